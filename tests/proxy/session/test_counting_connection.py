"""The worker's connection for counters."""

import pytest

from backtalk.session.counting_connection import connect


def test_commands_are_sent_in_order(redis_url: str) -> None:
    """One round trip, one reply each."""
    connection = connect(redis_url, 2.0)
    assert connection.send([("INCRBY", b"a", 2), ("INCRBY", b"a", 3)]) == [2, 5]
    connection.close()


def test_whatever_goes_wrong_is_an_os_error(redis_url: str) -> None:
    """Nobody there, and a command that fails."""
    with pytest.raises(OSError, match=r".+"):
        connect("redis://127.0.0.1:1", 0.2).send([("GET", b"a")])
    connection = connect(redis_url, 2.0)
    with pytest.raises(OSError, match="WRONGTYPE"):
        connection.send([("RPUSH", b"list", 1), ("INCR", b"list")])
    connection.close()
