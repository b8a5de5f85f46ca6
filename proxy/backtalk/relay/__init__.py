"""The way to the upstream: bytes in, the same bytes out."""
