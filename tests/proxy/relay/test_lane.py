"""The port of a lane, and what stands between a lane and its client."""

import pytest

from backtalk.model.exchange import ClientGoneError
from backtalk.relay.lane import Passing, with_fields
from backtalk.testing.exchange import HandExchange


@pytest.mark.anyio
async def test_what_changes_nothing_passes_everything() -> None:
    """Both ways: head, pieces, state and callbacks of the client, status, fields and pieces of the response."""
    client = HandExchange(b"a", fields=[(b"x", b"1")])
    passing = Passing(client)
    called: list[str] = []
    assert passing.head is client.head
    assert await passing.receive() == (b"a", False)
    assert not passing.gone
    with pytest.raises(ClientGoneError):
        await passing.receive()
    client.writable = False
    assert passing.gone
    assert not passing.writable
    passing.when_gone(lambda: called.append("gone"))
    passing.when_writable(lambda: called.append("writable"))
    for callback in (client.gone_callback, client.writable_callback):
        assert callback is not None
        callback()
    passing.start(200, [(b"y", b"2")])
    passing.write(b"b", more=True)
    passing.write(b"c", more=False)
    assert called == ["gone", "writable"]
    assert (client.status, client.fields, client.written) == (200, [(b"y", b"2")], [b"b", b"c"])
    assert client.complete


def test_a_head_with_other_fields_knows_only_those() -> None:
    """What is looked up agrees with what is listed."""
    head = with_fields(HandExchange(fields=[(b"x", b"1")]).head, [(b"y", b"2"), (b"y", b"3")])
    assert (head.fields, head.known) == ([(b"y", b"2"), (b"y", b"3")], {b"y": b"3"})
