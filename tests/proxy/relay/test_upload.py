"""Bodies kept for another attempt: played again as often as is wanted, and bounded."""

import pytest

from backtalk.relay.failures import ClientGoneError
from backtalk.relay.lane import Message, Receive
from backtalk.relay.upload import PEEK_BYTES, Room, Upload


def saying(*messages: Message) -> Receive:
    """A client that sends these events."""
    left = list(messages)

    async def receive() -> Message:
        return left.pop(0)

    return receive


def piece(body: bytes, *, more: bool = False) -> Message:
    """A piece of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


GONE: Message = {"type": "http.disconnect"}


@pytest.mark.anyio
async def test_a_whole_body_is_played_again_and_again() -> None:
    """Each attempt sees the body first and then what the client does."""
    room = Room(call_bytes=100, process_bytes=100)
    upload = Upload(saying(piece(b"ab", more=True), piece(b"c"), GONE, GONE), room)
    await upload.read()
    assert (upload.body, upload.whole, room.left_bytes) == (b"abc", True, 98)
    for _ in range(2):
        receive = upload.replay(b"xyz")
        assert await receive() == piece(b"xyz")
        assert await receive() == GONE
    upload.close()
    assert room.left_bytes == 100


@pytest.mark.anyio
async def test_a_body_beyond_its_bound_goes_on_as_it_comes() -> None:
    """What was kept comes first, the rest from the client; such a body is not whole."""
    upload = Upload(
        saying(piece(b"a" * 9, more=True), piece(b"b", more=True), piece(b"c")), Room(call_bytes=9, process_bytes=99)
    )
    await upload.read()
    assert (upload.body, upload.whole) == (b"a" * 9, False)
    receive = upload.replay(upload.body)
    assert await receive() == piece(b"a" * 9, more=True)
    assert await receive() == piece(b"b", more=True)
    assert await receive() == piece(b"c")


@pytest.mark.anyio
async def test_without_room_just_enough_is_read_to_find_the_model() -> None:
    """A process that keeps all it may still routes, without another attempt."""
    room = Room(call_bytes=1 << 20, process_bytes=0)
    upload = Upload(saying(*[piece(b"a" * 16_384, more=True)] * 9), room)
    await upload.read()
    assert (len(upload.body), upload.whole, room.left_bytes) == (PEEK_BYTES, False, 0)


@pytest.mark.anyio
async def test_a_client_that_leaves_before_its_end_is_gone() -> None:
    """Nobody is asked for half a body; what was kept is let go of."""
    room = Room(call_bytes=100, process_bytes=100)
    upload = Upload(saying(piece(b"ab", more=True), GONE), room)
    with pytest.raises(ClientGoneError):
        await upload.read()
    upload.close()
    assert room.left_bytes == 100
