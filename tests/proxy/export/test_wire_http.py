"""OTLP over HTTP, to a real receiver."""

import pytest

from backtalk.export.config import Destination
from backtalk.export.failure import NotTakenError
from backtalk.export.origin import origin
from backtalk.export.spans import spans_of
from backtalk.export.wire_http import HttpWire
from backtalk.testing.facts import closed_call
from backtalk.testing.otlp import HttpReceiver, attributes_of


def _destination(endpoint: str) -> Destination:
    return Destination("traces", f"{endpoint}/v1/traces", "http/protobuf")


def test_spans_arrive_with_resource_scope_and_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's exporter sends them, so OTEL_EXPORTER_OTLP_HEADERS is honoured."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-project=p1")
    call = closed_call()
    with HttpReceiver() as receiver:
        wire = HttpWire(_destination(receiver.endpoint))
        assert wire.send(spans_of(call, origin())) == 0
        wire.close()
    ((_, message, headers),) = receiver.seen
    assert headers["x-project"] == "p1"
    assert "service.name" in attributes_of(message.resource_spans[0].resource.attributes)
    assert message.resource_spans[0].scope_spans[0].scope.name == "backtalk"
    assert [span.trace_id.hex() for span in receiver.spans] == [call.opened.trace_id] * 2


@pytest.mark.parametrize("status", [301, 400, 401, 405, 429, 503])
def test_refusal_ends_the_try_at_once(status: int) -> None:
    """One request, no wait within, and the status is known: also where the SDK would try again for seconds."""
    with HttpReceiver(lambda _route, _message: status) as receiver:
        wire = HttpWire(_destination(receiver.endpoint))
        with pytest.raises(NotTakenError) as caught:
            wire.send(spans_of(closed_call(), origin()))
        wire.close()
    assert caught.value.status == str(status)
    assert receiver.tried == ["traces"]


def test_receiver_that_is_away_is_told_at_once() -> None:
    """A refused connection is a failure of the receiver, to be tried again later."""
    with HttpReceiver() as receiver:
        endpoint = receiver.endpoint
    wire = HttpWire(_destination(endpoint))
    with pytest.raises(NotTakenError) as caught:
        wire.send(spans_of(closed_call(), origin()))
    assert caught.value.meaning == "later"
    wire.close()
