"""Backtalk: an OpenAI-compatible proxy that closes the feedback loop."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from backtalk.api import Store

__version__: Final = "0.1.0"


def open(place: str | Path) -> "Store":  # noqa: A001 -- it is read as `backtalk.open`
    """Open a data directory for a notebook; raises `SetupError` where there is none."""
    from backtalk.api import open_store  # noqa: PLC0415 -- a proxy needs none of it

    return open_store(place)
