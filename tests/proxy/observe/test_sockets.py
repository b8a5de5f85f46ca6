"""The parts of a socket become the call's request and response."""

import json
from typing import Any

import msgspec
import pytest
from websockets.frames import Close, Frame, Opcode

from backtalk.model.facts import CallClosed
from backtalk.model.frames import Part, Side
from backtalk.observe.sockets import Socket
from backtalk.observe.tee import Budget
from backtalk.testing.facts import closed_call, opened_call

_DONE = {
    "type": "response.done",
    "response": {
        "id": "resp_1",
        "status": "completed",
        "output": [{"id": "i", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "hello"}]}],
    },
}


def _event(fields: dict[str, Any], *, mask: bool = False) -> bytes:
    return Frame(Opcode.TEXT, json.dumps(fields).encode()).serialize(mask=mask)


def _close(code: int, *, mask: bool = False) -> bytes:
    return Frame(Opcode.CLOSE, Close(code, "").serialize()).serialize(mask=mask)


def _part(number: int, *pieces: tuple[Side, bytes]) -> Part:
    return Part(0, 0, "s", "", number, list(pieces))


def _end(**changes: Any) -> CallClosed:
    return closed_call(opened=opened_call(api="realtime", path="/v1/realtime"), status=101, **changes)


def _finished(*parts: Part, **changes: Any) -> CallClosed:
    socket = Socket(Budget(1 << 20))
    for part in parts:
        socket.feed(part)
    return socket.finish(_end(**changes))


def test_both_directions_make_one_call() -> None:
    """A frame may be split over parts; sounds and binary messages are counted."""
    event = _event(_DONE)
    binary = Frame(Opcode.BINARY, b"x").serialize(mask=True)
    end = _finished(
        _part(0, ("client", _event({"type": "response.create"}, mask=True)), ("server", event[:9])),
        _part(1, ("server", event[9:]), ("client", binary)),
        _part(2, ("client", _close(1000, mask=True)), ("server", _close(1000))),
    )
    assert (end.response.text, end.response.id, end.outcome, end.error) == ("hello", "resp_1", "completed", None)
    counts = json.loads(end.opened.request.params_json)["events"]
    assert counts == {"client": {"binary": 1, "response.create": 1}, "server": {"response.done": 1}}


@pytest.mark.parametrize(
    ("pieces", "outcome", "said", "error"),
    [
        ([("client", _close(1000, mask=True)), ("server", _close(1000))], "client_disconnected", "completed", None),
        ([("client", _close(1001, mask=True))], "client_disconnected", "client_disconnected", None),
        ([("server", _close(1011))], "completed", "completed", "closed_1011_by_server"),
        ([], "completed", "completed", "closed_1006"),
    ],
)
def test_how_a_socket_ended_is_told_by_its_close_codes(
    pieces: list[tuple[Side, bytes]], outcome: Any, said: str, error: str | None
) -> None:
    """Who leaves after both said so has completed it; a code that is not in order is the call's error."""
    end = _finished(_part(0, *pieces), outcome=outcome)
    assert (end.outcome, end.error) == (said, error)


def test_a_part_that_was_lost_is_noticed() -> None:
    """What came before it stands, and nothing after it is guessed."""
    end = _finished(_part(0, ("server", _event(_DONE))), _part(2, ("server", _event({"type": "error"}))))
    assert end.response.text == "hello"
    assert end.opened.request.not_understood == "a part of what went over the socket was lost"
    assert end.error is None
    gone = _finished(msgspec.structs.replace(_part(0), number=-1))
    assert gone.opened.request.not_understood


def test_what_was_taken_is_given_back() -> None:
    """The budget is all sockets' together."""
    budget = Budget(1 << 20)
    socket = Socket(budget)
    socket.feed(_part(0, ("server", _event(_DONE))))
    assert budget.left_bytes < 1 << 20
    socket.release()
    assert budget.left_bytes == 1 << 20


def test_what_waits_for_its_end_is_in_the_budget_too() -> None:
    """Halves of messages of many sockets; where nothing is left, the socket is read no further and says so."""
    budget = Budget(1_000)
    half = _event({"type": "x", "words": "w" * 500})[:-1]
    first, second = Socket(budget), Socket(budget)
    first.feed(_part(0, ("server", half)))
    assert budget.left_bytes == 1_000 - len(half)
    second.feed(_part(0, ("server", half)))
    assert budget.left_bytes == 1_000 - len(half)
    first.release()
    second.release()
    assert budget.left_bytes == 1_000
