"""The circuit breaker: a server that fails is left alone for a growing pause, so that nobody waits for it each time.

In: successes and failures with the monotonic time. Out: whether to try now. It holds no clock and no connection.
"""

from typing import Final

FIRST_PAUSE_NS: Final = 100_000_000
LONGEST_PAUSE_NS: Final = 3_200_000_000


class Breaker:
    """Closed until a failure; then open for a pause that doubles up to the longest one."""

    def __init__(self) -> None:
        self._pause_ns = 0
        self._until_ns = 0

    @property
    def broken(self) -> bool:
        """Whether the last attempt failed."""
        return self._pause_ns > 0

    def may_try(self, now_ns: int) -> bool:
        """Whether the pause is over, or there is none."""
        return now_ns >= self._until_ns

    def failed(self, now_ns: int) -> None:
        """Pause, longer than before."""
        self._pause_ns = min(max(self._pause_ns * 2, FIRST_PAUSE_NS), LONGEST_PAUSE_NS)
        self._until_ns = now_ns + self._pause_ns

    def succeeded(self) -> None:
        """No pause from here on."""
        self._pause_ns = self._until_ns = 0
