"""What is done about each refusal, with a real receiver."""

from typing import Any

import pytest

from backtalk.export.config import Destination
from backtalk.export.failure import NotTakenError
from backtalk.export.origin import origin
from backtalk.export.sender import Sender
from backtalk.export.spans import spans_of
from backtalk.telemetry import Metrics
from backtalk.testing.facts import closed_call, opened_call
from backtalk.testing.otlp import HttpReceiver


def _sender(receiver: HttpReceiver, metrics: Metrics, *, required: bool = True) -> Sender:
    return Sender(Destination("traces", f"{receiver.endpoint}/v1/traces", "http/protobuf"), metrics, required=required)


def _spans(count: int, **changes: Any) -> list[Any]:
    return [span for _ in range(count) for span in spans_of(closed_call(opened=opened_call(**changes)), origin())]


def test_one_offending_record_does_not_cost_the_batch() -> None:
    """A receiver that refuses a whole batch for one span gets all others; the one is dropped and counted."""

    def picky(_route: str, message: Any) -> int:
        text = str(message)
        return 422 if "bad-model" in text else 200

    bad = spans_of(closed_call(opened=opened_call(path="/v1/bad-model")), origin())[:1]
    metrics = Metrics()
    with HttpReceiver(picky) as receiver:
        sender = _sender(receiver, metrics)
        sender.send([*_spans(20), *bad, *_spans(11)])
        sender.close()
    assert len(receiver.spans) == 62
    assert metrics.snapshot().value("backtalk.export.dropped", reason="traces_refused") == 1


def test_missing_route_ends_optional_telemetry() -> None:
    """It is tried once; what would have been sent is counted."""
    metrics = Metrics()
    with HttpReceiver(lambda _route, _message: 405) as receiver:
        sender = _sender(receiver, metrics, required=False)
        sender.send(_spans(1))
        sender.send(_spans(1))
        sender.close()
    assert receiver.tried == ["traces"]
    assert sender.refused
    assert metrics.snapshot().value("backtalk.export.dropped", reason="traces_no_route") == 4


def test_missing_route_of_required_telemetry_is_tried_again() -> None:
    """Spans wait for whoever mends the endpoint."""
    with HttpReceiver(lambda _route, _message: 404) as receiver:
        sender = _sender(receiver, Metrics())
        with pytest.raises(NotTakenError, match="404"):
            sender.send(_spans(1))
        sender.close()
    assert not sender.refused


def test_nothing_is_sent_for_nothing() -> None:
    """An empty batch is no request."""
    with HttpReceiver() as receiver:
        sender = _sender(receiver, Metrics())
        sender.send([])
        sender.close()
    assert receiver.tried == []
