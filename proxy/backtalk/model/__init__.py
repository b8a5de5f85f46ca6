"""Values: what Backtalk speaks of, without any I/O."""
