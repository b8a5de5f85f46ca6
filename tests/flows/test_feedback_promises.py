"""What feedback is promised, on real processes: one vote on two replicas, a Redis that goes, and bodies of enemies."""

import contextlib
import gzip
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from backtalk.ledger.reader import LedgerReader
from backtalk.testing.provider import Provider
from backtalk.testing.redis_servers import Server, ask, running
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until

KEY = "sk-promises"
TRACE = "c" * 32


class Replicas(NamedTuple):
    """Two Backtalks of one installation, with data directories of their own, and the Redis that they share."""

    first: Backtalk
    second: Backtalk
    redis: Server


@pytest.fixture(scope="module")
def replicas(upstream: Provider, redis_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    """Both have the installation's secret, as replicas are deployed."""
    directory = tmp_path_factory.mktemp("replicas")
    with running(redis_binary) as redis, contextlib.ExitStack() as stack:
        started: list[Backtalk] = []
        for name in ("first", "second"):
            (directory / name).mkdir(mode=0o700)
            if started:
                shutil.copy(directory / "first" / "secret", directory / name / "secret")
            serving = running_backtalk(upstream.url, directory / name, redis_url=redis.url, feedback__lookup_ms=2000)
            started.append(stack.enter_context(serving))
        yield Replicas(started[0], started[1], redis)


def give(backtalk: Backtalk, body: object = None, **fields: Any) -> httpx.Response:
    """One feedback; `fields` beside a thumb on the trace."""
    said = {"kind": "rating", "value": True, "trace_id": TRACE, **fields} if body is None else body
    return httpx.post(f"{backtalk.url}/v1/feedback", json=said, headers={"authorization": f"Bearer {KEY}"}, timeout=20)


def ids_of(*backtalks: Backtalk) -> list[str]:
    """The ids in the ledgers, as they are read."""
    found: list[str] = []
    for backtalk in backtalks:
        ledger = LedgerReader(backtalk.data_dir / "ledger")
        found += [row["feedback_id"] for row in ledger.of_kind("feedback", "rating", order="given_ns")]
    return found


def test_a_key_on_two_replicas_is_one_feedback(replicas: Replicas) -> None:
    """The second says duplicate with the first's result, whichever it is; the ledgers hold it once between them."""
    first, second, _ = replicas
    told = [give(first, id="vote-1"), give(second, id="vote-1"), give(first, id="vote-1")]
    assert [answer.status_code for answer in told] == [202, 200, 200]
    assert [answer.json()["duplicate"] for answer in told] == [False, True, True]
    same = [{k: v for k, v in one.json().items() if k not in ("duplicate", "trace_id")} for one in told]
    assert same[0] == same[1] == same[2]
    assert give(second, id="vote-1", comment="another").status_code == 409
    feedback_id = told[0].json()["feedback_id"]
    others = [give(first, id="later"), give(second, id="later-still")]
    wanted = {feedback_id, *(one.json()["feedback_id"] for one in others)}
    wait_until(lambda: wanted <= set(ids_of(first, second)), 30, what="all feedback in the ledgers")
    assert ids_of(first, second).count(feedback_id) == 1


def test_batches_know_what_the_other_replica_took(replicas: Replicas) -> None:
    """Of several each by itself."""
    first, second, _ = replicas
    items = [{"kind": "rating", "value": True, "trace_id": TRACE, "id": f"batch-{n}"} for n in range(3)]
    assert give(first, {"items": items[:2]}).json()["accepted"] == 2
    told = give(second, {"items": items}).json()["items"]
    assert [one["duplicate"] for one in told] == [True, True, False]


def test_a_redis_that_was_wiped_costs_the_word_and_nothing_else(replicas: Replicas) -> None:
    """The repeat is accepted, under the same id; whoever reads the ledger finds the first row alone."""
    first, _, redis = replicas
    before = give(first, id="wiped", comment="the first")
    assert ask(redis.url, "FLUSHALL") == b"OK"
    again = give(first, id="wiped", comment="the first")
    assert (before.status_code, again.status_code, again.json()["duplicate"]) == (202, 202, False)
    assert before.json()["feedback_id"] == again.json()["feedback_id"]
    assert give(first, id="wiped", comment="the first").json()["duplicate"] is True
    ledger = LedgerReader(first.data_dir / "ledger")
    feedback_id = before.json()["feedback_id"]

    def written() -> bool:
        rows = ledger.everything("feedback", order="given_ns", superseded=True)
        return [row["feedback_id"] for row in rows].count(feedback_id) == 2

    wait_until(written, 30, what="both rows in the ledger")
    assert ids_of(first).count(feedback_id) == 1
    document = first.wait_for_trace(TRACE)
    assert [one["feedback_id"] for one in document["pending_feedback"]].count(feedback_id) == 1


_THUMB = b'{"kind":"rating","value":true,"trace_id":"%b"}' % TRACE.encode()
_OPEN = _THUMB[:-1]
ZIPPED = gzip.compress(_THUMB, mtime=0)

HOSTILE = {
    "nan": (b'{"kind":"score","value":NaN,"trace_id":"%b"}' % TRACE.encode(), b"NaN is not JSON"),
    "infinity": (b'{"kind":"score","value":-Infinity,"trace_id":"%b"}' % TRACE.encode(), b"-Infinity is not JSON"),
    "1e400": (b'{"kind":"score","value":1e400,"trace_id":"%b"}' % TRACE.encode(), b"beyond what a double can hold"),
    "-1e400": (b'{"kind":"score","value":-1e400,"trace_id":"%b"}' % TRACE.encode(), b"beyond what a double can hold"),
    "400 digits": (b'{"kind":"score","value":%b}' % (b"9" * 400), b"beyond what a double can hold"),
    "5000 digits": (b'{"kind":"score","value":%b}' % (b"9" * 5_000), b"a number that is too long"),
    "key twice": (_OPEN + b',"value":false}', b'the key \\"value\\" stands twice'),
    "key twice, escaped": (_OPEN + b',"\\u0076alue":false}', b"stands twice"),
    "half a surrogate": (_OPEN + b',"comment":"\\ud800"}', b"half of a surrogate pair"),
    "half a surrogate as a key": (_OPEN + b',"\\udfff":1}', b"half of a surrogate pair"),
    "surrogates in bytes": (_OPEN + b',"comment":"\xed\xa0\x80"}', b"not valid UTF-8"),
    "deep lists": (_OPEN + b',"comment":' + b"[" * 50_000 + b"]" * 50_000 + b"}", b"nested deeper than 32 levels"),
    "deep objects": (_OPEN + b',"comment":' + b'{"a":' * 33 + b"1" + b"}" * 34, b"nested deeper than 32 levels"),
    "many values": (_OPEN + b',"comment":[' + b"1," * 20_000 + b"1]}", b"more than 10000 values"),
    "not an object": (b"[" + _THUMB + b"]", b"must be a JSON object, not a list"),
    "two values": (_THUMB + _THUMB, b"not JSON"),
    "cut off": (_THUMB[:-1], b"not JSON"),
    "a byte order mark": (b"\xef\xbb\xbf" + _THUMB, b"not JSON"),
    "zero byte": (b"\0", b"not JSON"),
}
"""Bodies, and what is said of each."""


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("several", [False, True], ids=["single", "batch"])
def test_a_hostile_body_gets_a_sentence(backtalk: Backtalk, name: str, several: bool) -> None:
    """As it is, and as one item of a batch: refused whole, with what is wrong and the trace id; nothing crashes."""
    body, sentence = HOSTILE[name]
    if several and name in {"zero byte", "a byte order mark", "not an object", "two values"}:
        body = b'{"items":' + body
        sentence = b"not JSON"
    elif several:
        body = b'{"items":[' + body + b"]}"
    answer = httpx.post(f"{backtalk.url}/v1/feedback", content=body, timeout=20)
    assert answer.status_code == 400, answer.text
    assert sentence in answer.content
    assert answer.json()["error"]["trace_id"] == answer.headers["x-trace-id"]


@pytest.mark.parametrize(
    ("head", "body", "status", "code"),
    [
        (b"content-length: 99999999", b"", 413, b"body_too_large"),
        (b"content-length: 99999999\r\nexpect: 100-continue", b"", 413, b"body_too_large"),
        (b"transfer-encoding: chunked", b"100001\r\n" + b" " * 0x100001 + b"\r\n", 413, b"body_too_large"),
        (b"transfer-encoding: chunked", b"7\r\n{}\r\nxx\r\n", 400, b"malformed_body"),
        (b"transfer-encoding: chunked", b"g\r\n", 400, b"malformed_body"),
        (b"content-encoding: gzip\r\ncontent-length: %d" % len(ZIPPED), ZIPPED, 415, b"unsupported"),
        (b"content-encoding: br\r\ncontent-length: 2", b"{}", 415, b"unsupported"),
        (b"content-length: 2\r\ntransfer-encoding: chunked", b"0\r\n\r\n", 400, b"malformed"),
    ],
    ids=["declared", "expected", "comes", "short chunk", "no chunk", "gzip", "brotli", "two framings"],
)
def test_a_hostile_frame_gets_a_sentence_and_costs_nobody_else(
    backtalk: Backtalk, head: bytes, body: bytes, status: int, code: bytes
) -> None:
    """Sizes that are declared or come, chunks that are none, codings; the next client is served."""
    sent = b"POST /v1/feedback HTTP/1.1\r\nhost: localhost\r\n" + head + b"\r\n\r\n" + body
    answer = exchanged(backtalk, sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    assert code in answer
    assert b"x-trace-id: " in answer
    assert give(backtalk).status_code == 202


def test_bodies_that_never_end_hold_up_nobody(backtalk: Backtalk) -> None:
    """Fifty clients that send a byte and wait: everybody else is served meanwhile."""
    head = b"POST /v1/feedback HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(connected(backtalk)).sendall(head)
        assert [give(backtalk).status_code for _ in range(5)] == [202] * 5


def exchanged(backtalk: Backtalk, sent: bytes) -> bytes:
    """What a server says to literal bytes, up to the end of its body."""
    with connected(backtalk) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(sent)
        answer = b""
        while b"\r\n\r\n" not in answer or b"}" not in answer.partition(b"\r\n\r\n")[2]:
            piece = client.recv(65_536)
            if not piece:
                break
            answer += piece
        return answer


def connected(backtalk: Backtalk) -> socket.socket:
    """A connection to the public listener."""
    host, _, port = backtalk.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), 20)
