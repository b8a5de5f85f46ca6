"""The tables: their columns and types, and how rows become Arrow.

In: row mappings by column name. Out: Arrow tables. The one rule: a column is only ever added; a missing value is null,
a missing list empty.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol, cast

import arro3.core
from arro3.core import Array, DataType, Field, Schema, Table

TableName = Literal["calls", "messages", "signals", "feedback", "erasures"]
Row = Mapping[str, Any]
"""One row by column name; absent and None are the same: null, or an empty list."""

_TEXT: Final = "text"
_INT: Final = "int"
_REAL: Final = "real"
_FLAG: Final = "flag"
_TEXTS: Final = "texts"

COLUMNS: Final[Mapping[TableName, Mapping[str, str]]] = {
    "calls": {
        "dt": _TEXT, "trace_id": _TEXT, "span_id": _TEXT, "server_span_id": _TEXT, "parent_span_id": _TEXT,
        "tenant": _TEXT, "session_id": _TEXT, "declared_session": _TEXT, "user": _TEXT, "client_hash": _TEXT,
        "opened_ns": _INT, "closed_ns": _INT, "duration_ns": _INT, "first_byte_ns": _INT, "overhead_ns": _INT,
        "method": _TEXT, "path": _TEXT, "api": _TEXT, "stream": _FLAG, "retry_count": _INT, "late": _FLAG,
        "model": _TEXT, "model_served": _TEXT, "response_id": _TEXT, "upstream": _TEXT, "upstream_request_id": _TEXT,
        "status": _INT, "outcome": _TEXT, "error": _TEXT, "error_type": _TEXT, "finish_reasons": _TEXTS,
        "input_tokens": _INT, "output_tokens": _INT, "cached_tokens": _INT, "reasoning_tokens": _INT,
        "tokens_estimated": _FLAG,
        "message_ids": _TEXTS, "answer_ids": _TEXTS, "params_json": _TEXT, "tools_id": _TEXT, "chunks": _INT,
        "request_bytes": _INT, "response_bytes": _INT, "request_capture": _TEXT, "response_capture": _TEXT,
        "not_understood": _TEXT, "route": _TEXT, "target": _TEXT, "attempt_count": _INT, "attempts_json": _TEXT,
        "cost_usd": _REAL, "key_id": _TEXT, "cache": _TEXT,
        "cache_write_tokens": _INT, "logprobs_json": _TEXT, "previous_response_id": _TEXT,
        "erased_ns": _INT,
        "ask_arm": _TEXT, "ask_prob": _REAL, "ask_policy": _TEXT,
        "audit_prob": _REAL, "audited": _FLAG,
        "conversation_id": _TEXT, "choice_count": _INT, "error_message": _TEXT, "retrieved_response_id": _TEXT,
        "prompt_name": _TEXT, "prompt_version": _TEXT,
        "purpose": _TEXT,
    },
    "messages": {
        "dt": _TEXT, "message_id": _TEXT, "tenant": _TEXT, "role": _TEXT, "json": _TEXT, "char_count": _INT,
        "first_seen_ns": _INT,
    },
    "signals": {
        "dt": _TEXT, "fact": _TEXT, "signal_id": _TEXT, "kind": _TEXT, "trace_id": _TEXT, "span_id": _TEXT,
        "shown_by_trace_id": _TEXT, "shown_by_span_id": _TEXT, "probability": _REAL, "found_ns": _INT, "tenant": _TEXT,
        "session_id": _TEXT, "detector": _TEXT, "detector_version": _TEXT, "evidence_json": _TEXT,
        "polarity": _TEXT, "provenance": _TEXT, "replay": _INT,
    },
    "feedback": {
        "dt": _TEXT, "feedback_id": _TEXT, "kind": _TEXT, "value_json": _TEXT, "tenant": _TEXT, "given_ns": _INT,
        "trace_id": _TEXT, "span_id": _TEXT, "response_id": _TEXT, "parent_span_id": _TEXT, "session_id": _TEXT,
        "metric": _TEXT, "comment": _TEXT, "rater": _TEXT, "request_trace_id": _TEXT, "request_span_id": _TEXT,
        "body_sha256": _TEXT,
        "source": _TEXT, "channel": _TEXT, "key_id": _TEXT, "at_ns": _INT, "supersedes": _TEXT, "item": _INT,
        "rank": _INT, "shown": _INT, "choice": _INT, "span_start": _INT, "span_end": _INT, "range_low": _REAL,
        "range_high": _REAL, "level": _TEXT, "direction": _TEXT, "distance": _REAL, "duration_s": _REAL,
        "rubric": _TEXT,
        "erased_ns": _INT,
    },
    "erasures": {
        "dt": _TEXT, "erasure_id": _TEXT, "by": _TEXT, "subject": _TEXT, "tenant": _TEXT, "erased_ns": _INT,
        "actor": _TEXT, "reason": _TEXT,
    },
}  # fmt: skip
"""Every column of every table. `dt` is the UTC day of the fact, by which tables are partitioned.

In `signals`, `fact` tells a `signal` from a `relation` (automatic retry, duplicate), a `link` (which session a call was
put into) and a `withdrawal` (a replay's word that the signal of this id does not hold): for all of them `trace_id` and
`span_id` name the call that the fact is about. `replay` numbers the replay that wrote a row; null is the worker's own.
In `feedback`, `trace_id`, `span_id`, `response_id`, `parent_span_id` and `session_id` are the key that was given, not a
resolved one. What was said of several calls has a row for each, with one `feedback_id`, counted from 0 by `item`.
resolved one. Where `erased_ns` is set, the texts of the row were erased by the order of that instant in `erasures`.
"""

TABLES: Final[tuple[TableName, ...]] = ("messages", "calls", "signals", "feedback", "erasures")
"""All tables, in the order in which they are written: a call's messages are there before the call."""

LOOKED_UP: Final[Mapping[TableName, tuple[str, ...]]] = {
    "calls": ("trace_id", "response_id", "session_id"),
    "messages": ("message_id",),
    "signals": ("trace_id", "shown_by_trace_id"),
    "feedback": ("trace_id", "response_id", "session_id", "feedback_id", "supersedes"),
    "erasures": (),
}
"""Random ids that rows are found by, across all days; Bloom filters tell which row groups hold them."""


def schema(table: TableName) -> Schema:
    """The Arrow schema of a table."""
    return Schema([Field(name, _TYPES[kind]()) for name, kind in COLUMNS[table].items()])


def to_arrow(table: TableName, rows: Sequence[Row]) -> Table:
    """Rows as an Arrow table with every column of the schema."""
    return arrow_table(COLUMNS[table], rows)


def arrow_table(kinds: Mapping[str, str], rows: Sequence[Row]) -> Table:
    """Rows as an Arrow table with these columns, each `text`, `int`, `real`, `flag` or `texts`."""
    columns = [_column([row.get(name) for row in rows], kind) for name, kind in kinds.items()]
    fields = Schema([Field(name, _TYPES[kind]()) for name, kind in kinds.items()])
    return cast("_Tables", Table).from_arrays(columns, schema=fields)


class _Tables(Protocol):
    """The part of Arrow's tables that is used; the library's own stubs name types that it does not bring."""

    def from_arrays(self, arrays: Sequence[Array], *, schema: Schema) -> Table: ...


class _Lists(Protocol):
    """Likewise for lists."""

    def list_array(self, offsets: Array, values: Array, *, type: DataType) -> Array: ...  # noqa: A002 -- the library's name


def _column(values: Sequence[Any], kind: str) -> Array:
    return _lists(values) if kind == _TEXTS else Array(list(values), type=_TYPES[kind]())


def _lists(values: Sequence[Sequence[str] | None]) -> Array:
    flat: list[str] = []
    offsets = [0]
    for value in values:
        flat += value or ()
        offsets.append(len(flat))
    return cast("_Lists", arro3.core).list_array(
        Array(offsets, type=DataType.int32()), Array(flat, type=DataType.utf8()), type=_TYPES[_TEXTS]()
    )


_TYPES: Final[Mapping[str, Callable[[], DataType]]] = {
    _TEXT: DataType.utf8,
    _INT: DataType.int64,
    _REAL: DataType.float64,
    _FLAG: DataType.bool,
    _TEXTS: lambda: DataType.list(Field("item", DataType.utf8())),
}
