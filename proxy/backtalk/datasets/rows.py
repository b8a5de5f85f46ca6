"""Rows of a dataset: a sample that passed all gates, with everything that made it.

In: samples. Out: rows as values, as bytes of a scratch file, and as lines of Arrow columns. The one rule: a row's key
is the hash of what it teaches, so that equal samples are one row with the facts of all.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from backtalk.model.chat import Message
from backtalk.plugin import Reason, Sample

_TAUGHT: Final = ("kind", "prompt", "completion", "rejected", "label", "reference", "tag", "tools_json")


class DatasetRow(msgspec.Struct, frozen=True):
    """A row: the sample, and what the balance counts it under."""

    sample: Sample
    model: str
    language: str


_encoder: Final = msgspec.json.Encoder(order="sorted")
encode_row: Final = _encoder.encode
"""A row as bytes."""
_decoder: Final[msgspec.json.Decoder[DatasetRow]] = msgspec.json.Decoder(DatasetRow)
decode_row: Final = _decoder.decode
"""The row of these bytes."""


def row_key(sample: Sample) -> bytes:
    """The hash of what a sample teaches."""
    taught = [getattr(sample, name) for name in _TAUGHT]
    return hashlib.sha256(_encoder.encode(taught)).digest()


def merged(first: DatasetRow, second: DatasetRow) -> DatasetRow:
    """Equal samples as one, with the facts of both."""
    sample = first.sample
    both = msgspec.structs.replace(
        sample,
        reasons=_once((*sample.reasons, *second.sample.reasons)),
        calls=tuple(dict.fromkeys((*sample.calls, *second.sample.calls))),
    )
    return msgspec.structs.replace(first, sample=both)


def columns(number: int, split: str, row: DatasetRow) -> dict[str, Any]:
    """One line of the Parquet files."""
    sample = row.sample
    return {
        "row": number,
        "split": split,
        "kind": sample.kind,
        "prompt": _json(sample.prompt),
        "completion": _json(sample.completion),
        "rejected": _json(sample.rejected),
        "label": sample.label,
        "margin": sample.margin,
        "reference": _json(sample.reference),
        "tag": sample.tag or None,
        "tools": sample.tools_json,
        "weight": round(sample.weight, 6),
        "reasons": _encoder.encode(sample.reasons).decode(),
        "model": row.model,
        "language": row.language,
        "trace_ids": [call.trace_id for call in sample.calls],
        "span_ids": [call.span_id for call in sample.calls],
        "feedback_ids": fact_ids(sample.reasons, "feedback"),
        "signal_ids": fact_ids(sample.reasons, "signal"),
        "sha256": row_key(sample).hex(),
    }


def fact_ids(reasons: Iterable[Reason], fact: str) -> list[str]:
    """The ids of one kind of fact, each once."""
    return list(dict.fromkeys(reason.id for reason in reasons if reason.fact == fact))


def user_marks(users: Sequence[str], sessions: Sequence[str]) -> list[str]:
    """Whose rows count together: the users, or the sessions where none is named."""
    named = sorted({f"user {name}" for name in users if name})
    return named or sorted({f"session {name}" for name in sessions})


def _json(message: Message | tuple[Message, ...] | None) -> str | None:
    return None if message is None else _encoder.encode(message).decode()


def _once(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    found: dict[tuple[str, str, str], Reason] = {}
    for reason in reasons:
        found.setdefault((reason.fact, reason.id, reason.rule), reason)
    return tuple(found.values())
