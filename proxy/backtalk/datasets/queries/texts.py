"""The messages that each chunk needs.

In: the ledger and the calls to look at. Out: messages in the order of chunks, each once a chunk. The one rule: of a
message that was written more than once the first row is read, found by numbers alone: texts are read and sorted once.
"""

from typing import Final

from backtalk.datasets.queries.around import edited_by
from backtalk.datasets.queries.expressions import Table, either, is_given, union
from backtalk.datasets.queries.tables import Ledger

_KEY: Final = ("trace_id", "span_id")
_NAMED: Final = ("chunk", "message_id")


def needed(ledger: Ledger, touched: Table) -> Table:
    """Which message each chunk needs, and when its first row says that it was seen."""
    ids = _ids(_speaking(ledger, touched)).distinct()
    rows = ledger.messages.select("message_id", seen_ns=either(ledger.messages["first_seen_ns"], 0))
    wanted = rows.semi_join(ids, ["message_id"])
    first = wanted.group_by("message_id").aggregate(first_seen_ns=wanted["seen_ns"].min())
    return ids.join(first, ["message_id"]).select(*_NAMED, "first_seen_ns")


def texts(ledger: Ledger, needed: Table) -> Table:
    """Those messages."""
    rows = ledger.messages.select(
        "message_id", "json", "char_count", first_seen_ns=either(ledger.messages["first_seen_ns"], 0)
    )
    found = rows.join(needed, ["message_id", "first_seen_ns"])
    return found.select(*_NAMED, "json", "char_count")


def _speaking(ledger: Ledger, touched: Table) -> Table:
    """The calls whose texts are read: those to look at, and those that show an edit."""
    calls = ledger.calls.select(*_KEY, "message_ids", "answer_ids", "tools_id")
    mine = calls.join(touched.select("chunk", *_KEY), list(_KEY))
    by = edited_by(ledger.signals, touched)
    edits = calls.join(by, [("trace_id", "by_trace_id"), ("span_id", "by_span_id")])
    names = ("chunk", "message_ids", "answer_ids", "tools_id")
    return union(mine.select(*names), edits.select(*names))


def _ids(calls: Table) -> Table:
    offered = calls.filter(is_given(calls["tools_id"]))
    every = union(
        calls.select("chunk", message_id=calls["message_ids"].unnest()),
        calls.select("chunk", message_id=calls["answer_ids"].unnest()),
        offered.select("chunk", message_id="tools_id"),
    )
    return every.filter(is_given(every["message_id"]))
