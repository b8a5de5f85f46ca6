"""OTLP over gRPC, to a real server."""

import pytest

from backtalk.export.config import Destination
from backtalk.export.failure import NotTakenError
from backtalk.export.origin import origin
from backtalk.export.spans import spans_of
from backtalk.export.wire_grpc import GrpcWire
from backtalk.testing.facts import closed_call
from backtalk.testing.otlp import GrpcReceiver


def test_spans_arrive_with_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's exporter sends them, so OTEL_EXPORTER_OTLP_HEADERS is honoured."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-project=p1")
    call = closed_call()
    with GrpcReceiver() as receiver:
        wire = GrpcWire(Destination("traces", receiver.endpoint, "grpc"))
        assert wire.send(spans_of(call, origin())) == 0
        wire.close()
    ((_, _, headers),) = receiver.seen
    assert headers["x-project"] == "p1"
    assert receiver.spans[1].span_id.hex() == call.opened.span_id


@pytest.mark.parametrize(
    ("status", "name", "meaning"),
    [(503, "UNAVAILABLE", "later"), (404, "UNIMPLEMENTED", "never"), (400, "INVALID_ARGUMENT", "not_this")],
)
def test_refusal_ends_the_try_at_once(status: int, name: str, meaning: str) -> None:
    """One request, and its status is known."""
    with GrpcReceiver(lambda _route, _message: status) as receiver:
        wire = GrpcWire(Destination("traces", receiver.endpoint, "grpc"))
        with pytest.raises(NotTakenError) as caught:
            wire.send(spans_of(closed_call(), origin()))
        wire.close()
    assert (caught.value.status, caught.value.meaning) == (name, meaning)
    assert receiver.tried == ["traces"]


def test_channel_recovers_when_the_receiver_comes() -> None:
    """A receiver that starts late on the same port gets the same wire's next try."""
    with GrpcReceiver() as receiver:
        endpoint = receiver.endpoint
    wire = GrpcWire(Destination("traces", endpoint, "grpc"))
    spans = spans_of(closed_call(), origin())
    with pytest.raises(NotTakenError):
        wire.send(spans)
    with GrpcReceiver(port=int(endpoint.rpartition(":")[2])) as later:
        wire.send(spans)
        assert len(later.spans) == 2
    wire.close()
