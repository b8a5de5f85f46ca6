"""Kept answers: who gets one, who gets a fresh one, and how much is kept."""

from typing import Any

import pytest

from backtalk.model.exchange import RequestHead
from backtalk.relay.response_cache import ASKERS, ENTRY_BYTES, Question, Recording, ResponseCache, give, question_of
from backtalk.testing.exchange import HandExchange

JSON = [(b"content-type", b"application/json")]
PLAIN = [(b"content-type", b"text/plain"), (b"set-cookie", b"a=b"), (b"date", b"then")]


def asked(key: bytes = b"k", asker: bytes = b"anna", **more: Any) -> Question:
    """A question."""
    return Question(key, asker, **more)


def look(cache: ResponseCache, question: Question, *, now_s: float) -> str:
    """What a look-up says."""
    return cache.look_up(question, ttl_s=100.0, repeat_s=10.0, now_s=now_s)[0]


def head(body_of: str = "anna", **fields: str) -> RequestHead:
    """A request's head from an address."""
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return RequestHead("POST", "/v1/chat/completions", b"/v1/chat/completions", b"", sent, dict(sent), body_of)


def test_another_session_gets_the_kept_answer_and_a_repeat_gets_a_fresh_one() -> None:
    """Who had the answer asks for another one by asking again; later it is a question as any."""
    cache = ResponseCache(1 << 20)
    assert look(cache, asked(), now_s=0) == "miss"
    cache.keep(asked(), PLAIN, b"answer", now_s=0)
    assert look(cache, asked(asker=b"ben"), now_s=1) == "hit"
    assert look(cache, asked(asker=b"ben"), now_s=2) == "bypass"
    assert look(cache, asked(), now_s=9) == "bypass"
    assert look(cache, asked(), now_s=11) == "hit"


def test_a_fresh_answer_takes_the_place_of_the_kept_one() -> None:
    """And whoever had the old one is still known to have had one."""
    cache = ResponseCache(1 << 20)
    cache.keep(asked(), PLAIN, b"old", now_s=0)
    cache.keep(asked(asker=b"ben"), PLAIN, b"new", now_s=1)
    result, answer = cache.look_up(asked(asker=b"cleo"), ttl_s=100, repeat_s=10, now_s=2)
    assert (result, answer and answer.body) == ("hit", b"new")
    assert look(cache, asked(), now_s=3) == "bypass"


def test_what_is_too_old_is_gone() -> None:
    """At the end of its time an answer is let go of."""
    cache = ResponseCache(1 << 20)
    cache.keep(asked(), PLAIN, b"answer", now_s=0)
    assert look(cache, asked(asker=b"ben"), now_s=100) == "miss"
    assert cache.size_bytes == 0


def test_who_wants_a_fresh_answer_gets_one() -> None:
    """`no-cache` asks the target and keeps its answer; `no-store` keeps none."""
    cache = ResponseCache(1 << 20)
    cache.keep(asked(), PLAIN, b"answer", now_s=0)
    assert look(cache, asked(asker=b"ben", fresh=True), now_s=1) == "bypass"
    told = {
        said: question_of(head(cache_control=said), b"", key_id="", session_header=b"x")
        for said in ("no-cache", "no-store", "max-age=0")
    }
    assert [(one.fresh, one.kept) for one in told.values()] == [(True, True), (True, False), (False, True)]


def test_what_is_kept_is_bounded() -> None:
    """The answers used last stay; so many askers are remembered."""
    cache = ResponseCache(10_000)
    for n in range(50):
        cache.keep(asked(b"%d" % n), PLAIN, b"x" * 1000, now_s=n)
        look(cache, asked(b"0", asker=b"%d" % n), now_s=n)
        assert cache.size_bytes <= 10_000
    assert look(cache, asked(b"0", asker=b"z"), now_s=51) in ("hit", "miss")
    cache = ResponseCache(1 << 20)
    cache.keep(asked(), PLAIN, b"answer", now_s=0)
    for n in range(ASKERS + 5):
        look(cache, asked(asker=b"%d" % n), now_s=1)
    assert look(cache, asked(asker=b"%d" % (ASKERS + 4)), now_s=2) == "bypass"
    assert look(cache, asked(), now_s=2) == "hit"


@pytest.mark.parametrize(
    "other",
    [
        {"body": b"{ }"},
        {"key_id": "k2"},
        {"head": head(authorization="Bearer other")},
        {"head": head(accept_encoding="gzip")},
        {"head": head(accept="text/event-stream")},
        {"head": head(openai_organization="other")},
        {"head": head(cookie="user=other")},
        {"head": head(x_nobody_knows="what")},
        {"head": head(a="1", b="2")},
        {"head": head()._replace(method="PUT")},
        {"head": head()._replace(raw_path=b"/v1/embeddings")},
        {"head": head()._replace(query=b"a=1")},
    ],
)
def test_only_the_same_request_of_the_same_caller_is_the_same_question(other: dict[str, Any]) -> None:
    """Every part that shapes an answer, and who asks for it, is in the key."""
    same: dict[str, Any] = {"head": head(), "body": b"{}", "key_id": "k1"}

    def key(head: RequestHead, body: bytes, key_id: str) -> bytes:
        return question_of(head, body, key_id=key_id, session_header=b"x-chat").key

    assert key(**same) == key(**same)
    assert key(**same) != key(**{**same, **other})


def test_what_is_another_each_time_is_no_part_of_the_question() -> None:
    """Else no question would ever be the same."""
    each = {"traceparent": "00-a", "x_request_id": "r", "x_stainless_retry_count": "1", "content_length": "2"}
    plain, told = (
        question_of(one, b"{}", key_id="", session_header=b"x-chat") for one in (head(), head(x_chat="c", **each))
    )
    assert plain.key == told.key


def test_a_field_that_comes_twice_is_asked_twice() -> None:
    """An upstream may go by the first or by the last."""
    fields = [(b"authorization", b"one"), (b"authorization", b"two")]
    keys = {
        question_of(head()._replace(fields=f, known=dict(f)), b"", key_id="", session_header=b"x").key
        for f in (fields, fields[1:])
    }
    assert len(keys) == 2


def test_what_is_no_answer_is_not_kept() -> None:
    """A 200 that holds an error is asked again."""
    cache = ResponseCache(1 << 20)
    cache.keep(asked(), JSON, b'{"error": {"message": "overloaded"}}', now_s=0)
    assert look(cache, asked(), now_s=1) == "miss"


def test_sessions_are_told_apart_by_their_name_or_their_address() -> None:
    """A name goes before the address; one that the settings chose is one."""

    def asker(head: RequestHead) -> bytes:
        return question_of(head, b"", key_id="", session_header=b"x-chat").asker

    assert asker(head("1.1.1.1", x_chat="a")) == asker(head("2.2.2.2", x_chat="a"))
    assert asker(head("1.1.1.1", x_chat="a")) != asker(head("1.1.1.1", x_chat="b"))
    assert asker(head("1.1.1.1")) != asker(head("2.2.2.2"))


def test_a_kept_answer_says_that_it_is_one() -> None:
    """Its own fields, its age, and no cookie or date of another call."""
    cache, client = ResponseCache(1 << 20), HandExchange()
    cache.keep(asked(), PLAIN, b"answer", now_s=0)
    _, answer = cache.look_up(asked(asker=b"ben"), ttl_s=100, repeat_s=10, now_s=7.9)
    assert answer is not None
    give(client, answer, now_s=7.9)
    assert (client.status, client.written, client.complete) == (200, [b"answer"], True)
    assert client.fields == [
        (b"content-type", b"text/plain"),
        (b"content-length", b"6"),
        (b"age", b"7"),
        (b"x-backtalk-cache", b"hit"),
    ]


@pytest.mark.parametrize(
    ("status", "fields", "size", "kept"),
    [
        (200, [], 10, True),
        (500, [], 10, False),
        (200, [(b"cache-control", b"private, No-Store")], 10, False),
        (200, [], ENTRY_BYTES + 1, False),
    ],
)
def test_only_whole_answers_of_a_size_are_kept(
    status: int, fields: list[tuple[bytes, bytes]], size: int, kept: bool
) -> None:
    """What is not kept passes all the same."""
    client = HandExchange()
    recording = Recording(client, "miss")
    recording.start(status, fields)
    recording.write(b"x" * (size - 1), more=True)
    assert not recording.whole
    recording.write(b"x", more=False)
    assert recording.whole is kept
    assert sum(map(len, client.written)) == size
    assert (b"x-backtalk-cache", b"miss") in client.fields
