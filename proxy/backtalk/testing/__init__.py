"""Public test kit: real servers that can be told to misbehave."""
