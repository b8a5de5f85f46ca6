"""Observing calls: bytes are copied on the way, and understood later in the worker."""
