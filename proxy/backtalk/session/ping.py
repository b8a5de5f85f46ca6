"""One question to a Redis: is it there? For people who ask what is wrong."""

import redis


def ping(url: str, *, timeout_s: float) -> str | None:
    """None where it answers, else why not."""
    try:
        client = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType] -- its keywords carry no types
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        try:
            client.exists("backtalk")
        finally:
            client.close()
    except (redis.RedisError, ValueError, OSError) as error:
        return str(error) or type(error).__name__
    return None
