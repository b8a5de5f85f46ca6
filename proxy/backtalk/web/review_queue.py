"""The queue of reviewers: which of the answers that were drawn come next, and what is shown of them. Pure.

In: rows of drawn calls and of labels. Out: items. The one rule: an item shows the conversation and the answer and
nothing else: no feedback, no signal, no model's name, no other label, so that a label is the reviewer's own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backtalk.ledger.schema import Row
from backtalk.model.ids import CallKey
from backtalk.web.documents import call_document

Labels = Mapping[CallKey, Mapping[str, Row]]
"""The latest label of each call by each reviewer."""


def labels_of(feedback: Sequence[Row]) -> Labels:
    """What reviewers said, by call and reviewer; a later word holds."""
    found: dict[CallKey, dict[str, Row]] = {}
    for row in sorted(feedback, key=lambda row: row["given_ns"]):
        if row["kind"] == "label" and row.get("source") == "reviewer" and row.get("trace_id") and row.get("span_id"):
            found.setdefault(CallKey(row["trace_id"], row["span_id"]), {})[row.get("rater") or ""] = row
    return found


def waiting(
    calls: Sequence[Row],
    labels: Labels,
    *,
    rater: Callable[[str], str],
    reviewers: int,
    place: Callable[[CallKey], int],
) -> list[Row]:
    """The calls that this reviewer has not labelled and fewer than `reviewers` have, in an order by lot.

    `rater` is the reviewer's pseudonym with a tenant. By lot, so that whoever stops early has labelled a random part.
    Of an answer whose texts were erased nobody is asked.
    """

    def is_open(call: Row) -> bool:
        said = labels.get(key_of(call), {})
        return not call.get("erased_ns") and len(said) < reviewers and rater(call["tenant"]) not in said

    return sorted(filter(is_open, calls), key=lambda call: place(key_of(call)))


def item(call: Row, messages: Mapping[str, Row]) -> dict[str, Any]:
    """What a reviewer sees of a call."""
    shown = call_document(call, [], [], messages)
    asked = {name: shown["request"][name] for name in ("messages", "tools")}
    return {
        "item": key_of(call).request_id,
        "opened_ns": call["opened_ns"],
        "request": asked,
        "answers": shown["answers"],
    }


def key_of(call: Row) -> CallKey:
    """The call's key."""
    return CallKey(call["trace_id"], call["span_id"])
