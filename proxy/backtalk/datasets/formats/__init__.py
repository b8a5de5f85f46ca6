"""Formats: a sample goes in, one line of somebody else's format comes out, or the reason why it cannot be one."""
