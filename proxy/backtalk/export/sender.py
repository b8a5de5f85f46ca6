"""One kind of telemetry on its way to the receiver: what to do about each refusal.

In: finished records. Out: delivered, or an error that makes the loop come again. A receiver without this kind of route
is left alone after saying so once; a batch it refuses is halved until the one record that offends is found and dropped.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final, Protocol

from backtalk.export.config import Destination
from backtalk.export.failure import NotTakenError
from backtalk.telemetry import Metrics

_log = logging.getLogger(__name__)
_EXPORTER: Final = "otlp"


class SendsOtlp(Protocol):
    """A way to a receiver: HTTP or gRPC."""

    def send(self, items: Any) -> int:
        """Send a batch; returns how many records were rejected, raises `NotTakenError`."""
        ...

    def close(self) -> None:
        """Let connections go."""
        ...


class Sender:
    """Sends one kind of telemetry; `required` telemetry is tried for ever even where the route is missing."""

    def __init__(self, destination: Destination, metrics: Metrics, *, required: bool) -> None:
        self._destination = destination
        self._metrics = metrics
        self._required = required
        self._way = way_to(destination)
        self.refused = False
        """Whether the receiver has no route for this kind of telemetry."""

    def send(self, items: Sequence[Any]) -> None:
        """Deliver records; raises `NotTakenError` where they are to come again."""
        if not items:
            return
        if self.refused:
            self._drop(len(items), "no_route")
            return
        try:
            rejected = self._way.send(items)
        except NotTakenError as error:
            self._not_taken(items, error)
        else:
            if rejected:
                self._drop(rejected, "rejected")

    def close(self) -> None:
        """Let connections go."""
        self._way.close()

    def _not_taken(self, items: Sequence[Any], error: NotTakenError) -> None:
        if error.meaning == "never" and not self._required:
            self.refused = True
            self._say("the receiver takes no such telemetry; it is not sent any more", error)
            self._drop(len(items), "no_route")
        elif error.meaning == "not_this" and len(items) == 1:
            self._say("the receiver refused a record; it is dropped", error)
            self._drop(1, "refused")
        elif error.meaning == "not_this":
            middle = len(items) // 2
            self.send(items[:middle])
            self.send(items[middle:])
        else:
            raise error

    def _say(self, what: str, error: NotTakenError) -> None:
        _log.warning(what, extra={"telemetry": self._destination.wire, "reason": str(error)})

    def _drop(self, count: int, reason: str) -> None:
        self._metrics.add(
            "backtalk.export.dropped", count, exporter=_EXPORTER, reason=f"{self._destination.wire}_{reason}"
        )


def way_to(destination: Destination) -> SendsOtlp:
    """The way that the protocol asks for; each library is loaded only where it is used."""
    if destination.protocol == "grpc":
        from backtalk.export.wire_grpc import GrpcWire  # noqa: PLC0415 # 20 MB and 0.2 s that HTTP must not cost

        return GrpcWire(destination)
    from backtalk.export.wire_http import HttpWire  # noqa: PLC0415 # likewise

    return HttpWire(destination)
