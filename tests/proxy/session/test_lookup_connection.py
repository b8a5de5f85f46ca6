"""The asynchronous connection of feedback's look-ups."""

import pytest

from backtalk.session.lookup_connection import connect


@pytest.mark.anyio
async def test_commands_travel_together_and_replies_come_in_order(redis_url: str) -> None:
    """One pipeline, no transaction."""
    connection = connect(redis_url, 2.0)
    assert await connection.send([("SET", b"k", "v"), ("GET", b"k"), ("LRANGE", b"none", 0, -1)]) == [True, b"v", []]
    await connection.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("command", [("GET",), ("NOSUCH", "x"), ("LRANGE", b"text", 0, -1)])
async def test_a_refused_command_is_an_os_error(redis_url: str, command: tuple[str | bytes | int, ...]) -> None:
    """Callers need to know no error of the library's."""
    connection = connect(redis_url, 2.0)
    await connection.send([("SET", b"text", "v")])
    with pytest.raises(OSError, match=r"\w"):
        await connection.send([command])
    await connection.aclose()


@pytest.mark.anyio
async def test_an_absent_server_is_an_os_error() -> None:
    """Nothing listens there."""
    connection = connect("unix:///nowhere/at/all.sock", 0.5)
    with pytest.raises(OSError, match="nowhere"):
        await connection.send([("PING",)])
    await connection.aclose()
