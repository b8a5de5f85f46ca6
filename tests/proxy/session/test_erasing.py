"""Texts leave Redis, and what a conversation is known by stays."""

import msgspec
import pytest

from backtalk.errors import StoreError
from backtalk.session import keys
from backtalk.session.erasing import SessionErasing
from backtalk.session.store import Ended, Known
from backtalk.session.store_connection import StoreConnection, command
from backtalk.testing.redis_servers import ask
from backtalk.testing.waiting import wait_until

SPAN, OTHER = "00f067aa0ba902b7", "00f067aa0ba902b8"


def leave(url: str, span_id: str) -> bytes:
    """A call as the worker leaves it."""
    name = keys.call(b"scope!", span_id)  # type: ignore[arg-type]
    known = Known("a" * 32, span_id, 7, "client", True, 0, "kanarienvogel", "m")  # type: ignore[arg-type]
    ended = Ended(8, 200, "completed", "kanarienvogel says", "stop")
    ask(
        url, "HSET", name, "o", msgspec.msgpack.encode(known), "d", msgspec.msgpack.encode(ended), "l", b"link"
    )  # fmt: skip
    ask(url, "EXPIRE", name, 1000)
    return name


def test_texts_of_the_calls_go_and_all_else_stays(redis_url: str) -> None:
    """Times, links, the TTL and others' calls."""
    mine, other = leave(redis_url, SPAN), leave(redis_url, OTHER)
    assert SessionErasing(redis_url).blank({SPAN}) == 1
    first, last, link = ask(redis_url, "HMGET", mine, "o", "d", "l")
    known = msgspec.msgpack.decode(first, type=Known)
    assert (known.user_text, known.opened_ns, known.model) == ("", 7, "m")
    assert msgspec.msgpack.decode(last, type=Ended).answer_text == ""
    assert link == b"link"
    assert 0 < ask(redis_url, "TTL", mine) <= 1000
    assert b"kanarienvogel" in ask(redis_url, "HGET", other, "o")


def test_the_log_is_written_anew(redis_url: str) -> None:
    """Where there is one; asking twice harms nothing."""
    erasing = SessionErasing(redis_url)
    erasing.rewrite_log()
    erasing.rewrite_log()
    wait_until(erasing.log_is_rewritten, what="the end of the rewriting")


def test_a_redis_that_is_away_is_a_store_error() -> None:
    """The erasure waits and is tried again."""
    with pytest.raises(StoreError):
        SessionErasing("unix:///nowhere/at/all.sock").blank({SPAN})


def test_every_node_of_a_cluster_is_looked_at(cluster_url: str) -> None:
    """Calls lie where their scope's slot lies."""
    spans = [f"{number:016x}" for number in range(24)]
    store = StoreConnection(cluster_url, 5_000)
    known = msgspec.msgpack.encode(Known("a" * 32, SPAN, 7, "client", True, 0, "kanarienvogel", "m"))  # type: ignore[arg-type]
    names = [keys.call(bytes([number] * 6), span) for number, span in enumerate(spans)]  # type: ignore[arg-type]
    store.exchange([command("HSET", name, "o", known) for name in names])
    erasing = SessionErasing(cluster_url)
    assert erasing.blank(set(spans)) == len(spans)
    assert not any(
        b"kanarienvogel" in bytes(str(r), "utf-8") for r in store.exchange([command("HGET", n, "o") for n in names])
    )
    erasing.rewrite_log()
    wait_until(erasing.log_is_rewritten, what="the end of the rewriting")
    store.close()
