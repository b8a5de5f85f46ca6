"""The tables that the queries stand on: the ledger's own, and those that earlier steps leave.

Out: table expressions by name and column. The one rule: columns and types of the ledger are those of `ledger.schema`.
"""

from typing import Final, NamedTuple

from backtalk.datasets.queries.expressions import Table, unbound
from backtalk.ledger.schema import COLUMNS, TableName

_TYPES: Final = {"text": "string", "int": "int64", "real": "float64", "flag": "boolean", "texts": "array<string>"}
FITS: Final = {
    "feedback_id": "string", "item_no": "int64", "call_count": "int64", "trace_id": "string", "span_id": "string",
    "place": "int64",
}  # fmt: skip
"""Feedback whose key fits calls: how many, and the one where it is one."""
TOUCHED: Final = {
    "chunk": "int64", "position": "int64", "prompt": "int64", "trace_id": "string", "span_id": "string",
    "unseen": "int64",
}  # fmt: skip
"""The calls to look at. `unseen` counts, at the first call of a prompt, those that are beyond the limit."""
NEEDED: Final = {"chunk": "int64", "message_id": "string", "first_seen_ns": "int64"}
"""The messages that each chunk needs."""


class Ledger(NamedTuple):
    """The ledger's tables."""

    calls: Table
    messages: Table
    signals: Table
    feedback: Table


def ledger() -> Ledger:
    """The tables by their names, wherever they are."""
    return Ledger(*(_table(name) for name in NAMES))


NAMES: Final[tuple[TableName, ...]] = ("calls", "messages", "signals", "feedback")
"""The tables that are read."""


def fits() -> Table:
    """What `fits.fits` gave."""
    return unbound("fits", FITS)


def touched() -> Table:
    """What `touched.touched` gave."""
    return unbound("touched", TOUCHED)


def needed() -> Table:
    """What `texts.needed` gave."""
    return unbound("needed", NEEDED)


def _table(name: TableName) -> Table:
    return unbound(name, {column: _TYPES[kind] for column, kind in COLUMNS[name].items()})
