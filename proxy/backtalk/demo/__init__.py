"""The demo: a real model, an official client, and what Backtalk noticed of their conversation."""
