"""What hostile traffic leaves in Redis: through the real worker, then every key of the real server is looked at."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from backtalk.model.frames import AnyFrame, Closed, Opened
from backtalk.session.slots import CHILDREN_CAP
from backtalk.testing import frames
from backtalk.testing.redis_servers import ask_all, every_key
from backtalk.testing.traffic.worker import through_worker

BEGIN_NS = 1_700_000_000_000_000_000
CALL_BYTES = 16_384
"""Most bytes of what is known of one call; docs/sessions.md says so."""
HUGE = "x" * 300_000


def _hostile() -> list[AnyFrame]:
    """The same again and again, one answer continued by hundreds, and every text that is stored as large as it gets."""
    found: list[AnyFrame] = []
    for number in range(400):
        at_ns = BEGIN_NS + number * 2_000_000
        same = [{"role": "user", "content": "Hello"}]
        continued = [
            *same,
            {"role": "assistant", "content": "word " * 20},
            {"role": "user", "content": f"Go on {number}"},
        ]
        found += frames.opened(number, at_ns, continued if number % 2 else same)
        found.append(frames.closed(number, at_ns + 1_000_000, "word " * 20))
    for number in range(400, 410):
        at_ns = BEGIN_NS + number * 2_000_000
        body = {"model": HUGE, "user": HUGE, "messages": [{"role": "user", "content": f"{number} {HUGE}"}]}
        (head,) = frames.opened(number, at_ns, [])
        assert isinstance(head, Opened)
        raw = json.dumps(body).encode()
        found.append(msgspec.structs.replace(head, body=raw, body_bytes=len(raw)))
        choice = {"message": {"role": "assistant", "content": HUGE}, "finish_reason": HUGE}
        answer = json.dumps({"id": HUGE, "model": HUGE, "choices": [choice | {"index": i} for i in range(4)]}).encode()
        end = frames.closed(number, at_ns + 1_000_000, "")
        found.append(msgspec.structs.replace(end, body=answer, body_bytes=len(answer)))
    return found


def _sizes(url: str, names: Sequence[bytes]) -> dict[bytes, int]:
    """Of each key: entries of a list, bytes of anything else."""
    kinds = ask_all(url, [("TYPE", name) for name in names])
    how = {b"list": "LLEN", b"hash": "HVALS", b"string": "STRLEN"}
    told = ask_all(url, [(how[kind], name) for kind, name in zip(kinds, names, strict=True)])
    return {
        name: int(size) if isinstance(size, int) else sum(map(len, size))
        for name, size in zip(names, told, strict=True)
    }


def test_every_key_that_traffic_leaves_ends_and_is_capped(redis_url: str, tmp_path: Path) -> None:
    """Lists by their entries, calls and strings by their bytes; no text of a client makes any of them larger."""
    sent = [frame for frame in _hostile() if isinstance(frame, Opened | Closed)]
    run = through_worker(sent, tmp_path, redis_url)
    names = every_key(redis_url)
    sizes = _sizes(redis_url, names)
    largest = {tag: max(size for name, size in sizes.items() if name[:1] == tag) for tag in {n[:1] for n in names}}

    assert run.facts
    assert {b"Q", b"P", b"F", b"A", b"C", b"R", b"T", b"U"} <= largest.keys()
    left_s = ask_all(redis_url, [("TTL", name) for name in names])
    assert [name for name, ttl_s in zip(names, left_s, strict=True) if not 0 < ttl_s <= 86_400] == []
    assert largest.pop(b"C") <= CALL_BYTES
    assert largest[b"P"] == CHILDREN_CAP
    assert {tag: size for tag, size in largest.items() if size > CHILDREN_CAP} == {}
