"""The store's connection: replies in order, refusals among them, and a new connection after a loss."""

import pytest
from redis.exceptions import ConnectionError as AwayError
from redis.exceptions import ResponseError

from backtalk.session.store_connection import StoreConnection, command, pack


def test_many_commands_are_answered_in_their_order(redis_url: str) -> None:
    """A refusal is a reply at its place, and the commands behind it are run."""
    connection = StoreConnection(redis_url, 5_000)
    commands = [command("SET", b"\0\xff", 1), command("LPUSH", b"\0\xff", "no list"), command("GET", b"\0\xff")]
    done, refused, found = connection.exchange(commands)
    connection.close()

    assert done == b"OK"
    assert isinstance(refused, ResponseError)
    assert found == b"1"


def test_a_lost_connection_is_an_error_once(redis_url: str) -> None:
    """The server hangs up on it; the next exchange opens another."""
    connection = StoreConnection(redis_url, 5_000)
    connection.exchange([command("GET", "a")])
    killer = StoreConnection(redis_url, 5_000)
    killer.everywhere([pack("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")])
    killer.close()

    with pytest.raises((AwayError, OSError)):
        connection.exchange([command("GET", "a")])
    assert connection.exchange([command("GET", "a")]) == [None]
    connection.close()


def test_nothing_asked_is_nothing_sent() -> None:
    """Where there is no command there is no connection."""
    assert StoreConnection("unix:///nowhere/v.sock", 100).exchange([]) == []
