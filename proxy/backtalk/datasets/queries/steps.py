"""The queries of a dataset by name, in the order in which an engine runs them.

In: a scope and an engine's dialect. Out: SQL by name. The one rule: what a step is made of are the ledger's tables and
what earlier kept steps left; nothing else, so that any engine that has those tables can run it.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from backtalk.datasets.queries import around, tables, texts
from backtalk.datasets.queries import fits as fitting
from backtalk.datasets.queries import touched as touching
from backtalk.datasets.queries.expressions import Table, sql
from backtalk.datasets.queries.scope import Scope

KEPT: Final = ("fits", "touched", "needed")
"""What is left as a table of this name, for the steps behind it."""
CHUNKED: Final[Mapping[str, str]] = {
    "answers": "chunk, position",
    "signals": "chunk, found_ns, signal_id, replay, fact, probability",
    "links": "chunk, found_ns, trace_id, span_id, evidence_json",
    "edits": "chunk, trace_id, span_id",
    "feedback": "chunk, given_ns, feedback_id, item_no",
    "successors": "chunk, given_ns, feedback_id, item_no",
    "texts": "chunk, message_id",
}
"""What is read chunk by chunk, and the order of its rows."""
WHOLE: Final[Mapping[str, str]] = {
    "counts": "calls",
    "newest": "opened_ns",
    "beyond": "fact, id",
    "unsettled": "feedback_id, reason",
}
"""What is read on its own, and likewise."""


class Step(NamedTuple):
    """One query."""

    name: str
    table: Table


def steps(scope: Scope) -> Iterator[Step]:
    """Every query, those that are kept first."""
    ledger, fits, touched, needed = tables.ledger(), tables.fits(), tables.touched(), tables.needed()
    yield Step("fits", fitting.fits(ledger, last_answers=scope.last_answers))
    yield Step("touched", touching.touched(ledger, fits, scope))
    yield Step("needed", texts.needed(ledger, touched))
    yield Step("answers", around.answers(ledger, touched))
    yield Step("signals", around.signals(ledger, touched))
    yield Step("links", around.links(ledger, touched))
    yield Step("edits", around.edits(ledger, touched))
    yield Step("feedback", around.feedback(ledger, fits, touched))
    yield Step("successors", around.successors(ledger, fits, touched))
    yield Step("texts", texts.texts(ledger, needed))
    yield Step("counts", touching.counts(touched))
    yield Step("newest", touching.newest(ledger))
    yield Step("beyond", around.beyond(ledger, fits, touched))
    yield Step("unsettled", around.unsettled(ledger, fits, scope))


@lru_cache(maxsize=8)
def queries(scope: Scope, dialect: str) -> Mapping[str, str]:
    """The SQL of every query, by name, in order."""
    return {step.name: sql(_in_order(step), dialect) for step in steps(scope)}


def _in_order(step: Step) -> Table:
    """A kept table needs no order, and counts are one row; what is read has one that leaves nothing open."""
    order = CHUNKED.get(step.name) or WHOLE.get(step.name)
    return step.table if order is None else step.table.order_by(order.split(", "))
