"""What passes through is seen here: ids, headers and bounded copies of bodies."""
