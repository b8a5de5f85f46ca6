"""Frames as proxies write them, for tests and benches that need spools without a proxy.

In: a number that names a conversation and its size. Out: frames in the order of their times, the same for the same
numbers. `write_spool` makes the directory of a proxy that wrote them and is gone.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from backtalk import clock
from backtalk.model import frames
from backtalk.model.frames import AnyFrame, Closed, Feedback, Opened, Outcome, Requested
from backtalk.settings import SpoolSettings
from backtalk.spool import Spool
from backtalk.telemetry import Metrics

HEADERS: Final = [("content-type", "application/json"), ("user-agent", "openai-python")]
_STEP_NS: Final = 5 * clock.NS_PER_MS
_ANSWER_NS: Final = 2 * clock.NS_PER_MS


def span_of(number: int) -> str:
    """The span id of call `number`."""
    return f"{number + 1:016x}"


def opened(number: int, at_ns: int, messages: Sequence[dict[str, Any]], *, pieces: bool = False) -> list[AnyFrame]:
    """A chat call's arrival; with `pieces` the body follows in a frame of its own."""
    body = json.dumps({"model": "m", "messages": list(messages), "temperature": 0.5}).encode()
    head = Opened(
        wall_ns=at_ns,
        boot_ns=at_ns,
        trace_id=f"{number + 1:032x}",
        span_id=span_of(number),
        server_span_id=f"{number + 1 + (1 << 60):016x}",
        parent_span_id=None,
        trace_flags=1,
        tracestate="",
        tenant="tenant",
        method="POST",
        path="/v1/chat/completions",
        query="",
        headers=HEADERS,
        client_hash="client",
        body=None if pieces else body,
        body_bytes=0 if pieces else len(body),
    )
    if not pieces:
        return [head]
    return [head, Requested(at_ns + 1, at_ns + 1, span_of(number), body, len(body))]


def closed(number: int, at_ns: int, text: str, *, outcome: Outcome = "completed", status: int = 200) -> Closed:
    """The end of call `number`, with an answer."""
    message = {"role": "assistant", "content": text, "refusal": None}
    answer = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "model": "m-1",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30},
    }
    body = json.dumps(answer).encode()
    return Closed(
        wall_ns=at_ns,
        boot_ns=at_ns,
        span_id=span_of(number),
        outcome=outcome,
        status=status,
        headers=[("content-type", "application/json"), ("x-request-id", f"up-{number}")],
        body=body,
        body_bytes=len(body),
        duration_ns=_ANSWER_NS,
        first_byte_ns=_ANSWER_NS // 2,
        overhead_ns=100_000,
        chunks=1,
        upstream="http://upstream",
    )


def rating(number: int, at_ns: int) -> Feedback:
    """A thumb for call `number`."""
    body = json.dumps({"kind": "rating", "value": False, "trace_id": f"{number + 1:032x}"}).encode()
    return Feedback(at_ns, at_ns, f"{number:032x}", "tenant", f"{number + (1 << 70):032x}", span_of(number), body)


def conversation(
    name: int, turns: int, *, at_ns: int, words: int = 12, step_ns: int = _STEP_NS, pieces: bool = False
) -> list[AnyFrame]:
    """Turns of one conversation, numbered from `name * 1000`; each third is asked for again, each fifth rated."""
    history: list[dict[str, Any]] = [{"role": "system", "content": "You answer in short and friendly sentences."}]
    found: list[AnyFrame] = []
    number = name * 1000
    for turn in range(turns):
        question = " ".join(f"question{name}-{turn}-{word}" for word in range(words))
        history.append({"role": "user", "content": question})
        answer = ""
        for attempt in range(2 if turn % 3 == 2 else 1):
            answer = " ".join(f"answer{name}-{turn}-{attempt}-{word}" for word in range(words))
            found += opened(number, at_ns, history, pieces=pieces)
            found.append(closed(number, at_ns + _ANSWER_NS, answer))
            if turn % 5 == 4:
                found.append(rating(number, at_ns + _ANSWER_NS + 1))
            at_ns += step_ns
            number += 1
        history.append({"role": "assistant", "content": answer})
    return found


def in_order(conversations: Iterable[Iterable[AnyFrame]]) -> list[AnyFrame]:
    """Frames of several conversations as one process would have written them."""
    return sorted((frame for frames_ in conversations for frame in frames_), key=lambda frame: frame.boot_ns)


def write_spool(root: Path, written: Iterable[AnyFrame], *, segment_bytes: int = 1 << 20) -> str:
    """Write frames as a proxy that is gone; returns its name."""
    spool = Spool.open(root, SpoolSettings(segment_bytes=segment_bytes), metrics=Metrics("spool"))
    asyncio.run(_fill(spool, written))
    return spool.owner


async def _fill(spool: Spool, written: Iterable[AnyFrame]) -> None:
    for frame in written:
        await spool.put(frames.encode(frame))
    await spool.aclose()
