"""The store's connection: replies in order, refusals among them, and a new connection after a loss."""

import pytest
from redis.exceptions import ConnectionError as AwayError
from redis.exceptions import ResponseError

from backtalk.session.store_connection import StoreConnection, pack


def test_many_commands_are_answered_in_their_order(redis_url: str) -> None:
    """A refusal is a reply at its place, and the commands behind it are run."""
    connection = StoreConnection(redis_url, 5_000)
    commands = [pack("SET", b"\0\xff", 1), pack("LPUSH", b"\0\xff", "no list"), pack("GET", b"\0\xff")]
    done, refused, found = connection.exchange(b"".join(commands), len(commands))
    connection.close()

    assert done == b"OK"
    assert isinstance(refused, ResponseError)
    assert found == b"1"


def test_a_lost_connection_is_an_error_once(redis_url: str) -> None:
    """The server hangs up on it; the next exchange opens another."""
    connection = StoreConnection(redis_url, 5_000)
    connection.exchange(pack("PING"), 1)
    killer = StoreConnection(redis_url, 5_000)
    killer.exchange(pack("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"), 1)
    killer.close()

    with pytest.raises((AwayError, OSError)):
        connection.exchange(pack("PING"), 1)
    assert connection.exchange(pack("PING"), 1)
    connection.close()


def test_nothing_asked_is_nothing_sent() -> None:
    """Where there is no command there is no connection."""
    assert StoreConnection("unix:///nowhere/v.sock", 100).exchange(b"", 0) == []
