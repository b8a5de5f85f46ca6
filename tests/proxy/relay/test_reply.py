"""A response of our own making: what is still possible depends on what the client has already."""

import json

import anyio.lowlevel
import pytest

from backtalk.errors import UpstreamError
from backtalk.model.exchange import ClientGoneError
from backtalk.model.notes import CallNotes
from backtalk.relay import failures
from backtalk.relay.reply import RefusedError, Reply
from backtalk.relay.translated import Refusal
from backtalk.tasks import TaskGroup
from backtalk.testing.exchange import HandExchange


class Sent:
    """A reply and what it sent."""

    def __init__(self) -> None:
        self.client = HandExchange()
        self.notes = CallNotes("", "")
        self.reply = Reply(self.client, self.notes)


def test_an_error_before_the_head_is_raised() -> None:
    """Whoever tries again needs it."""
    sent = Sent()
    with pytest.raises(UpstreamError):
        sent.reply.fail(failures.cut())
    assert (sent.client.status, sent.notes.outcome) == (0, None)


@pytest.mark.parametrize(("retry_after", "values"), [("7", [b"7"]), ("7\r\nx: y", []), (None, [])])
def test_a_refusal_before_the_head_is_an_answer(retry_after: str | None, values: list[bytes]) -> None:
    """With its own status and `Retry-After`; a field that could not stand in a head is left out."""
    sent = Sent()
    sent.reply.fail(RefusedError(Refusal(429, "no", retry_after)))
    assert sent.client.status == 429
    assert [value for name, value in sent.client.fields if name == b"retry-after"] == values
    assert json.loads(b"".join(sent.client.written))["error"]["message"] == "no"
    assert (sent.client.complete, sent.notes.outcome) == (True, None)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (failures.cut(), "upstream_error"),
        (failures.idle_timeout(1), "upstream_timeout"),
        (RefusedError(Refusal(529, "no", None)), "upstream_error"),
    ],
)
def test_an_error_after_the_head_is_an_event_and_the_end(error: Exception, outcome: str) -> None:
    """The client hears of it in the stream; the call's notes say how it ended before it does."""
    sent = Sent()
    sent.reply.begin(200, [(b"content-type", b"text/event-stream")])
    sent.reply.fail(error)
    assert b'"error":{' in sent.client.written[-1]
    assert sent.client.complete
    assert sent.notes.outcome == outcome


def test_nobody_is_told_where_the_client_has_gone() -> None:
    """The notes alone say so."""
    sent = Sent()
    sent.reply.fail(ClientGoneError())
    assert (sent.client.written, sent.notes.outcome) == ([], "client_disconnected")


@pytest.mark.anyio
async def test_a_client_that_does_not_read_is_waited_for() -> None:
    """Nothing piles up: the next piece is asked for when the client takes more."""
    sent, tasks = Sent(), TaskGroup()
    sent.client.writable = False
    piece = tasks.spawn(sent.reply.piece(b"x"), name="a piece")
    while sent.client.writable_callback is None:
        await anyio.lowlevel.checkpoint()
    assert not piece.done()
    sent.client.writable_callback()
    await piece
    await tasks.aclose()
