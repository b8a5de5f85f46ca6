"""A recorded call becomes the frames its proxy would have written, and the facts the worker would have built.

In: one line of a traffic file (`req, t, tenant, ip, ua, headers, body, result`). Out: `Opened` and `Closed` frames, and
`CallOpened` and `CallClosed` facts understood from the frames' bytes. The truth never gets past `read`.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from backtalk.clock import NS_PER_S
from backtalk.model.endpoints import api_of
from backtalk.model.facts import CallClosed, CallOpened
from backtalk.model.frames import Closed, Opened, Outcome
from backtalk.model.ids import SpanId, TraceId
from backtalk.observe import understand

PATH: Final = "/v1/chat/completions"
_BOOT_OFFSET_NS: Final = 1_000 * NS_PER_S
_FIRST_BYTE_S: Final = 0.05
_PIECE_CHARS: Final = 16


class Record(NamedTuple):
    """One call as recorded, without its truth."""

    number: int
    """Its place in the order of arrival."""
    name: str
    opened_s: float
    closed_s: float
    tenant: str
    client: str
    headers: dict[str, str]
    body: dict[str, Any]
    result: dict[str, Any]

    @property
    def trace_id(self) -> TraceId:
        """A trace id made from the record's name."""
        return TraceId(hashlib.blake2b(self.name.encode(), digest_size=16).hexdigest())

    @property
    def span_id(self) -> SpanId:
        """A span id that keeps the order of arrival, where two arrive in one instant."""
        return SpanId(f"{self.number + 1:016x}")


class Truth(NamedTuple):
    """What really happened."""

    session: str
    event: str
    parent: str | None
    assistant_edited: bool
    stopped: bool


def read(path: Path) -> tuple[list[Record], dict[str, Truth]]:
    """Every record in the order of arrival, and apart from them the truth by record name."""
    records: list[Record] = []
    truths: dict[str, Truth] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            fields: dict[str, Any] = json.loads(line)
            truths[fields["req"]] = _truth(fields.pop("truth"), fields["result"])
            records.append(_record(fields))
    records.sort(key=lambda record: (record.opened_s, record.name))
    return [record._replace(number=number) for number, record in enumerate(records)], truths


def frames(record: Record) -> tuple[Opened, Closed]:
    """The two frames of a recorded call."""
    body = json.dumps(record.body).encode()
    headers = [("content-type", "application/json"), ("user-agent", "recorded"), *record.headers.items()]
    opened = Opened(
        *_instant(record.opened_s),
        trace_id=record.trace_id,
        span_id=record.span_id,
        server_span_id=record.span_id[::-1],
        parent_span_id=None,
        trace_flags=1,
        tracestate="",
        tenant=record.tenant,
        method="POST",
        path=PATH,
        query="",
        headers=[(name.lower(), value) for name, value in headers],
        client_hash=record.client,
        body=body,
        body_bytes=len(body),
    )
    return opened, _closed(record)


def opened_fact(frame: Opened) -> CallOpened:
    """The fact that a worker builds from an opened frame."""
    headers = dict(frame.headers)
    api = api_of(frame.path)
    return CallOpened(
        trace_id=TraceId(frame.trace_id),
        span_id=SpanId(frame.span_id),
        server_span_id=SpanId(frame.server_span_id),
        parent_span_id=None,
        opened_ns=frame.wall_ns,
        boot_ns=frame.boot_ns,
        tenant=frame.tenant,
        method=frame.method,
        path=frame.path,
        api=api,
        request=understand.request(api, frame.body or b"", headers),
        client_hash=frame.client_hash,
        user_agent=headers.get("user-agent", ""),
        retry_count=int(headers.get("x-stainless-retry-count", "0")),
    )


def closed_fact(frame: Closed, opened: CallOpened) -> CallClosed:
    """The fact that a worker builds from a closed frame."""
    return CallClosed(
        opened=opened,
        closed_ns=frame.wall_ns,
        duration_ns=frame.duration_ns,
        status=frame.status,
        outcome=frame.outcome,
        response=understand.response(opened.api, frame.status, dict(frame.headers), frame.body),
        first_byte_ns=frame.first_byte_ns,
        chunks=frame.chunks,
        response_bytes=frame.body_bytes,
    )


def _record(fields: dict[str, Any]) -> Record:
    return Record(
        number=0,
        name=fields["req"],
        opened_s=fields["t"],
        closed_s=fields["result"]["t_end"],
        tenant=fields["tenant"],
        client=fields["ip"],
        headers=fields["headers"],
        body=fields["body"],
        result=fields["result"],
    )


def _truth(truth: dict[str, Any], result: dict[str, Any]) -> Truth:
    return Truth(
        session=truth["session"],
        event=truth["event"],
        parent=truth["parent"],
        assistant_edited=bool(truth.get("assistant_edited_in_next")),
        stopped=bool(result.get("client_disconnected_after_chars")),
    )


def _instant(seconds: float) -> tuple[int, int]:
    wall_ns = round(seconds * 1_000_000) * 1_000
    return wall_ns, wall_ns % (10**9 * NS_PER_S) + _BOOT_OFFSET_NS


def _closed(record: Record) -> Closed:
    status, outcome = _end(record)
    stream = bool(record.body.get("stream")) and status == 200  # only a success streams
    body = b"" if status == 0 else _sse(record) if stream else _json(record, status)
    duration_s = record.closed_s - record.opened_s
    return Closed(
        *_instant(record.closed_s),
        span_id=record.span_id,
        outcome=outcome,
        status=status,
        headers=[("content-type", "text/event-stream" if stream else "application/json")] if body else [],
        body=body,
        body_bytes=len(body),
        duration_ns=int(duration_s * NS_PER_S),
        first_byte_ns=int(min(duration_s, _FIRST_BYTE_S) * NS_PER_S) if body else None,
        overhead_ns=0,
        chunks=1,
        upstream="recorded",
    )


def _end(record: Record) -> tuple[int, Outcome]:
    left = record.result.get("client_disconnected_after_chars")
    if left is None:
        return record.result["status"], "completed"
    return (record.result["status"] if left else 0), "client_disconnected"


def _text(record: Record) -> str:
    text: str = record.result["text"] or ""
    left = record.result.get("client_disconnected_after_chars")
    return text if left is None else text[:left]


def _json(record: Record, status: int) -> bytes:
    if status != 200:  # HTTP's OK
        return json.dumps({"error": {"message": "no", "type": "server_error", "code": str(status)}}).encode()
    message = {"role": "assistant", "content": record.result["text"]}
    if record.result.get("tool_calls"):
        message["tool_calls"] = record.result["tool_calls"]
    choice = {"index": 0, "message": message, "finish_reason": record.result["finish_reason"]}
    return json.dumps({"id": f"chatcmpl-{record.name}", "object": "chat.completion", "choices": [choice]}).encode()


def _sse(record: Record) -> bytes:
    done = "client_disconnected_after_chars" not in record.result
    text = _text(record)
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": text[at : at + _PIECE_CHARS]} for at in range(0, len(text), _PIECE_CHARS)]
    events = list(_events(record, deltas, record.result["finish_reason"] if done else None))
    return b"".join([*events, b"data: [DONE]\n\n"] if done else events)


def _events(record: Record, deltas: list[dict[str, Any]], finish_reason: str | None) -> Iterator[bytes]:
    base = {"id": f"chatcmpl-{record.name}", "object": "chat.completion.chunk"}
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        yield b"data: " + json.dumps({**base, "choices": [choice]}).encode() + b"\n\n"
    if finish_reason is not None:
        choice = {"index": 0, "delta": dict[str, Any](), "finish_reason": finish_reason}
        yield b"data: " + json.dumps({**base, "choices": [choice]}).encode() + b"\n\n"
