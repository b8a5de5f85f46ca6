"""Backtalk: an OpenAI-compatible proxy that closes the feedback loop."""

from typing import Final

__version__: Final = "0.1.0"
