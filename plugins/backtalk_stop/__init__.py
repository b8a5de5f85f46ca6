"""Finds stops: a person ended an answer while it was still coming.

Only a stream whose client left after some text had been delivered counts. Nothing delivered looks the same as a client
that timed out, so nothing is claimed then. A failure of the provider or a time limit of ours is no stop either.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from backtalk.plugin import CallClosed, CallOpened, Scalar, SessionView, Signal

_PROBABILITY: Final = 0.9
_AT_ONCE_NS: Final = 150_000_000
"""Nobody reads and clicks faster; a client that leaves sooner after the first byte was closing anyway."""
_AT_ONCE_PROBABILITY: Final = 0.5


class Stop:
    """Claims that the answer was stopped by the person who read it."""

    name: ClassVar[str] = "stop"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:  # noqa: ARG002  # the fact says all
        """A stream that the client left after reading part of it."""
        if not isinstance(fact, CallClosed) or fact.outcome != "client_disconnected":
            return ()
        delivered = len(fact.response.text)
        succeeded = 200 <= fact.status < 300  # HTTP's class of success
        if not (fact.opened.request.stream and succeeded and delivered):
            return ()
        read_ns = fact.duration_ns - (fact.first_byte_ns or 0)
        evidence: dict[str, Scalar] = {"delivered_chars": delivered, "reading_s": round(read_ns / 1e9, 3)}
        probability = _PROBABILITY if read_ns >= _AT_ONCE_NS else _AT_ONCE_PROBABILITY
        return (Signal("stop", fact.key, probability, evidence),)
