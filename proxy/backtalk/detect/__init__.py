"""Facts in, links and signals out: the worker's part that decides."""
