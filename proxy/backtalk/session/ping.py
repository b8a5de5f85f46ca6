"""One question to a Redis: is it there? For people who ask what is wrong, and for the worker before its first call."""

from redis.exceptions import RedisError

from backtalk.session.store_connection import StoreConnection, command


def ping(url: str, *, timeout_s: float) -> str | None:
    """None where it answers, else why not."""
    try:
        connection = StoreConnection(url, 1000 * timeout_s)
        try:
            (reply,) = connection.exchange([command("EXISTS", b"backtalk")])
        finally:
            connection.close()
    except (RedisError, OSError, ValueError) as error:
        return str(error) or type(error).__name__
    return str(reply) if isinstance(reply, RedisError) else None
