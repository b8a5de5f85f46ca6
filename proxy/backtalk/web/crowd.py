"""How many clients may be connected at once.

In: how many are. Out: whether one more is served. The one rule: what is not served is told so and counted, and being
told so is bounded too.
"""

import resource
from typing import Final, NamedTuple

from backtalk.errors import StoreError
from backtalk.model.meter import Meter, NoMeter
from backtalk.web.refusals import refusal

MOST_REFUSED: Final = 256
"""Most connections beyond the limit that are told why at one time; others are closed without a word."""
_OWN_FILES: Final = 128
"""Files that a process has open besides connections."""


class Crowd(NamedTuple):
    """The clients of one process."""

    most: int = 10_000
    metrics: Meter = NoMeter()

    def farewell(self, connected: int) -> bytes | None:
        """What a client hears that came as the last of so many: None if it is served, empty where nobody tells it."""
        if connected <= self.most:
            return None
        self.metrics.add("backtalk.web.connections_refused")
        if connected > self.most + MOST_REFUSED:
            return b""
        message = f"{self.most} clients are connected, as many as web.max_connections lets in; try again soon"
        error = StoreError(message, code="too_many_connections")
        error.headers = ((b"retry-after", b"1"),)
        return refusal(error)


ANY: Final = Crowd()
"""So many as the default lets in, uncounted."""


def most_connections(wanted: int) -> int:
    """So many as are wanted, or fewer where this process may not open as many files: a call may need two.

    The soft limit of files is raised to the hard one first.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, (hard - _OWN_FILES - MOST_REFUSED) // 2))
