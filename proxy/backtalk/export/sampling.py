"""Which calls are told of, and with which words: by what happened in them, the rest by a share.

Pure but for the durations it has seen: a `CallClosed` in, a decision out. The draw is a keyed hash of the trace id, so
a trace is told of whole, a repeat draws the same, and nobody can choose an id that is always or never drawn.
"""

from typing import Final, Literal, NamedTuple

from backtalk.export.kinds import error_type
from backtalk.export.outliers import Outliers
from backtalk.export.parameters import AttributeValue
from backtalk.model.facts import CallClosed
from backtalk.model.ids import keyed_hash
from backtalk.settings import TelemetrySettings

Reason = Literal["error", "outlier", "share", "signal", "feedback", ""]
"""Why a call is told of; empty where it is not (yet)."""

_REMARKABLE: Final = frozenset({"error", "outlier", "signal", "feedback"})


class Decision(NamedTuple):
    """Why a call is told of, and whether its words go along."""

    reason: Reason
    words: bool
    share: float = 1.0
    """The chance that calls with nothing remarkable had."""

    @property
    def told(self) -> bool:
        """Whether the call is told of now."""
        return bool(self.reason)

    def attributes(self) -> dict[str, AttributeValue]:
        """What a reader needs to weigh the call, where not all are told of."""
        if self.share >= 1:
            return {}
        probability = self.share if self.reason == "share" else 1.0
        return {"backtalk.sampling.reason": self.reason, "backtalk.sampling.probability": probability}


class Sampler:
    """Decides for one exporter."""

    def __init__(self, settings: TelemetrySettings, secret: bytes) -> None:
        self._secret = secret
        self._call_share = settings.call_share
        self._content_share = settings.content_share
        self._all = settings.call_share >= 1 and settings.content_share >= 1
        self._outliers = Outliers(settings.outlier_share)

    def decide(self, call: CallClosed) -> Decision:
        """Look at a call that closed; asked once a call, for its duration counts."""
        if self._all:
            return Decision("share", words=True)
        slow = self._outliers.look(call)
        if call.outcome != "client_disconnected" and error_type(call) is not None:
            return self.remarkable("error")
        if slow:
            return self.remarkable("outlier")
        trace_id = call.opened.trace_id
        drawn = self._place(b"call", trace_id) < self._call_share
        words = drawn and self._place(b"content", trace_id) < self._content_share
        return Decision("share" if drawn else "", words=words, share=self._call_share)

    def remarkable(self, reason: Reason) -> Decision:
        """The decision for a call of which something is said."""
        return Decision(reason, words=reason in _REMARKABLE, share=self._call_share)

    def _place(self, what: bytes, trace_id: str) -> float:
        return int(keyed_hash(self._secret, b"telemetry", what, trace_id.encode(), size_bytes=8), 16) / 2**64
