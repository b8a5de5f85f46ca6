"""The asynchronous connection of feedback's look-ups."""

import asyncio

import pytest

from backtalk.session.lookup_connection import connect


@pytest.mark.anyio
async def test_commands_travel_together_and_replies_come_in_order(redis_url: str) -> None:
    """One pipeline, no transaction."""
    connection = connect(redis_url, 2.0)
    assert await connection.send([("SET", b"k", "v"), ("GET", b"k"), ("LRANGE", b"none", 0, -1)]) == [b"OK", b"v", []]
    await connection.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("command", [("GET",), ("NOSUCH", "x"), ("LRANGE", b"text", 0, -1)])
async def test_a_refused_command_is_a_reply(redis_url: str, command: tuple[str | bytes | int, ...]) -> None:
    """The others of the round trip have theirs, and the connection goes on."""
    connection = connect(redis_url, 2.0)
    before, refusal, behind = await connection.send([("SET", b"text", "v"), command, ("GET", b"text")])
    assert (before, behind) == (b"OK", b"v")
    assert isinstance(refusal, Exception)
    assert await connection.send([("GET", b"text")]) == [b"v"]
    await connection.aclose()


@pytest.mark.anyio
async def test_a_round_trip_that_was_left_leaves_no_replies_to_the_next(redis_url: str) -> None:
    """A connection with replies that nobody read would answer the next question with them."""
    connection = connect(redis_url, 2.0)
    await connection.send([("SET", b"mine", "v")])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await connection.send([("BLPOP", b"nothing", 5)])
    assert await connection.send([("GET", b"mine")]) == [b"v"]
    await connection.aclose()


@pytest.mark.anyio
async def test_an_absent_server_is_an_os_error() -> None:
    """Nothing listens there."""
    connection = connect("unix:///nowhere/at/all.sock", 0.5)
    with pytest.raises(OSError, match="nowhere"):
        await connection.send([("PING",)])
    await connection.aclose()
