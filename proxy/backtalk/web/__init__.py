"""The HTTP doors: OpenAI-shaped errors, the server, and the small apps of our own."""
