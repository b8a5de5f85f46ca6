"""Bodies kept for another attempt: played again as often as is wanted, and bounded."""

import pytest

from backtalk.model.exchange import ClientGoneError
from backtalk.relay.upload import PEEK_BYTES, Room, Upload
from backtalk.testing.exchange import HandExchange


@pytest.mark.anyio
async def test_a_whole_body_is_played_again_and_again() -> None:
    """Each attempt sees the body first and then what the client does."""
    room = Room(call_bytes=100, process_bytes=100)
    client = HandExchange(b"ab", b"c")
    upload = Upload(client, room)
    await upload.read()
    assert (upload.body, upload.whole, room.left_bytes) == (b"abc", True, 98)
    for _ in range(2):
        again = upload.replay(b"xyz", client.head)
        assert await again.receive() == (b"xyz", False)
        with pytest.raises(ClientGoneError):
            await again.receive()
    upload.close()
    assert room.left_bytes == 100


@pytest.mark.anyio
async def test_a_body_beyond_its_bound_goes_on_as_it_comes() -> None:
    """What was kept comes first, the rest from the client; such a body is not whole."""
    client = HandExchange(b"a" * 9, b"b", b"c")
    upload = Upload(client, Room(call_bytes=9, process_bytes=99))
    await upload.read()
    assert (upload.body, upload.whole) == (b"a" * 9, False)
    again = upload.replay(upload.body, client.head)
    assert [await again.receive() for _ in range(3)] == [(b"a" * 9, True), (b"b", True), (b"c", False)]


@pytest.mark.anyio
async def test_without_room_just_enough_is_read_to_find_the_model() -> None:
    """A process that keeps all it may still routes, without another attempt."""
    room = Room(call_bytes=1 << 20, process_bytes=0)
    upload = Upload(HandExchange(*[b"a" * 16_384] * 9), room)
    await upload.read()
    assert (len(upload.body), upload.whole, room.left_bytes) == (PEEK_BYTES, False, 0)


@pytest.mark.anyio
async def test_a_client_that_leaves_before_its_end_is_gone() -> None:
    """Nobody is asked for half a body; what was kept is let go of."""
    room = Room(call_bytes=100, process_bytes=100)
    client = HandExchange(b"ab")
    client.unfinished = True
    upload = Upload(client, room)
    with pytest.raises(ClientGoneError):
        await upload.read()
    upload.close()
    assert room.left_bytes == 100
