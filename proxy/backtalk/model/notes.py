"""What the relay tells the observer about a call while it runs.

The observer puts one `CallNotes` into the ASGI scope under `NOTES`; whoever serves the call fills it in. It is the one
mutable value here, since two rooms that must not know each other meet in it; it lives as long as its call.
"""

from typing import Final

from backtalk.model.frames import Attempt, CacheResult, Outcome

NOTES: Final = "backtalk.notes"
"""Key of the notes in an ASGI scope."""


class CallNotes:
    """Ids to send on, and what the way to the upstream was like. Times are of `clock.monotonic_ns`."""

    __slots__ = (
        "answered_ns",
        "asked_ns",
        "attempts",
        "cache",
        "error",
        "key_id",
        "outcome",
        "route",
        "traceparent",
        "tracestate",
        "upstream",
    )

    def __init__(self, traceparent: str, tracestate: str) -> None:
        self.traceparent = traceparent
        self.tracestate = tracestate
        self.asked_ns: int | None = None
        self.answered_ns: int | None = None
        self.upstream = ""
        self.route = ""
        self.key_id = ""
        self.cache: CacheResult = ""
        self.attempts: tuple[Attempt, ...] = ()
        self.outcome: Outcome | None = None
        self.error: str | None = None

    def fail(self, outcome: Outcome, error: str | None = None) -> None:
        """Say how the call ended; the first word stands."""
        if self.outcome is None:
            self.outcome, self.error = outcome, error
