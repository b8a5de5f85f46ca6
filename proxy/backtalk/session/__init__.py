"""Sessions: which calls belong together."""
