"""Rows of the ledger become facts again: the calls of a range of time, as the worker had seen them.

In: a reader and a range. Out: `CallClosed` facts, oldest first. Without kept content texts are empty: then only what
stands in columns can be noticed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from backtalk.ledger.reader import LedgerReader
from backtalk.model.chat import Message, Request, Response
from backtalk.model.facts import CallClosed, CallOpened, SignalFound
from backtalk.model.ids import CallKey

_decode: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)
_CHUNK: Final = 500
_Row = Mapping[str, Any]


def calls_between(reader: LedgerReader, since_ns: int, until_ns: int) -> Iterator[CallClosed]:
    """The calls that arrived within the range, in the order of arrival."""
    rows = reader.calls_between(since_ns, until_ns)
    for at in range(0, len(rows), _CHUNK):
        part = rows[at : at + _CHUNK]
        messages = reader.messages({name for row in part for name in _ids(row)})
        yield from (_closed(row, messages) for row in part)


def without_texts(reader: LedgerReader, since_ns: int, until_ns: int) -> int:
    """How many calls of the range lack a text that they had: what a replay says of them is not what was to be said."""
    rows = reader.calls_between(since_ns, until_ns)
    ids = {name for row in rows for name in _ids(row)}
    kept = {name for name, message in reader.messages(ids).items() if message["json"] is not None}
    return sum(any(name not in kept for name in _ids(row)) for row in rows)


def _ids(row: _Row) -> list[str]:
    return [name for name in (*row["message_ids"], *row["answer_ids"], row["tools_id"]) if name]


def _closed(row: _Row, messages: Mapping[str, _Row]) -> CallClosed:
    return CallClosed(
        opened=_opened(row, messages),
        closed_ns=row["closed_ns"],
        duration_ns=row["duration_ns"],
        status=row["status"],
        outcome=row["outcome"],
        response=Response(
            id=row["response_id"],
            model=row["model_served"],
            choices=_messages(row["answer_ids"], messages),
            finish_reasons=tuple(row["finish_reasons"]),
            error_type=row["error_type"],
            error_message=row.get("error_message"),
            not_understood=row["not_understood"],
            retrieved=row.get("retrieved_response_id"),
        ),
        session_id=row["session_id"],
        first_byte_ns=row["first_byte_ns"],
        request_capture=row["request_capture"],
        response_capture=row["response_capture"],
        error=row["error"],
    )


def _opened(row: _Row, messages: Mapping[str, _Row]) -> CallOpened:
    tools = _messages([row["tools_id"]] if row["tools_id"] else [], messages)
    return CallOpened(
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        server_span_id=row["server_span_id"],
        parent_span_id=row["parent_span_id"],
        opened_ns=row["opened_ns"],
        boot_ns=row["opened_ns"],
        tenant=row["tenant"],
        method=row["method"],
        path=row["path"],
        api=row["api"],
        request=Request(
            model=row["model"],
            messages=_messages(row["message_ids"], messages),
            stream=bool(row["stream"]),
            user=row["user"],
            declared_session=row["declared_session"],
            tools_json=tools[0].text if tools else None,
            params_json=row["params_json"] or "{}",
            previous_response=row["previous_response_id"],
            conversation=row.get("conversation_id"),
            prompt_name=row.get("prompt_name"),
            prompt_version=row.get("prompt_version"),
            purpose=row.get("purpose"),
            choice_count=row.get("choice_count") or 1,
            not_understood=row["not_understood"],
        ),
        client_hash=row["client_hash"] or "",
        retry_count=row["retry_count"] or 0,
    )


def _messages(ids: Sequence[str], rows: Mapping[str, _Row]) -> tuple[Message, ...]:
    return tuple(_message(rows[name]) for name in ids if name in rows)


def _message(row: _Row) -> Message:
    return _decode.decode(row["json"]) if row["json"] else Message(row["role"])


def evidence_of(row: _Row) -> dict[str, Any]:
    """The evidence of a signal's row."""
    found: dict[str, Any] = json.loads(row["evidence_json"] or "{}")
    return found


def signal_of(row: _Row) -> SignalFound:
    """The signal of a row, as it was found or recorded."""
    same = ("signal_id", "kind", "probability", "found_ns", "tenant", "session_id", "detector", "detector_version")
    return SignalFound(
        about=CallKey(row["trace_id"], row["span_id"]),
        shown_by=CallKey(row["shown_by_trace_id"], row["shown_by_span_id"]),
        evidence=evidence_of(row),
        polarity=row["polarity"] or "negative",
        provenance=row["provenance"] or "structural",
        replay=row.get("replay") or 0,
        **{name: row[name] for name in same},
    )
