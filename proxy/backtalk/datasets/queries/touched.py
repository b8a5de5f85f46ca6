"""Which calls a dataset looks at: those of which anything was said or noticed, in the order of their prompts.

In: the ledger, what feedback fits, and a scope. Out: their keys, each with its prompt, its place and its chunk. The one
rule: all answers to one prompt follow each other, oldest first, in one chunk; the prompts come in the order of their
first answers.
"""

from collections.abc import Sequence

from backtalk.datasets.queries.expressions import (
    Column,
    Table,
    constant,
    either,
    md5,
    number,
    place,
    size,
    sum_before,
    text,
    union,
)
from backtalk.datasets.queries.scope import CHUNK_CALLS, MAX_ANSWERS, Scope
from backtalk.datasets.queries.tables import Ledger
from backtalk.ledger.days import day


def touched(ledger: Ledger, fits: Table, scope: Scope) -> Table:
    """The calls to look at, in order."""
    answers = _answers(ledger, fits, scope)
    prompts = _prompts(answers)
    seen = answers.filter(answers["place"] < MAX_ANSWERS)
    placed = seen.join(prompts, ["hash"])
    unseen = number(placed["place"] == 0) * (placed["answers"] - placed["looked_at"])
    return placed.select(
        "chunk",
        "prompt",
        "trace_id",
        "span_id",
        position=placed["before"] + placed["place"],
        unseen=unseen.cast("int64"),
    )


def counts(touched: Table) -> Table:
    """How many calls there are to look at, and how many are not, since their prompt has too many answers."""
    return touched.aggregate(
        calls=touched.count().cast("int64"), unseen=either(touched["unseen"].sum(), 0).cast("int64")
    )


def newest(ledger: Ledger) -> Table:
    """When the newest call of all arrived."""
    return ledger.calls.aggregate(opened_ns=ledger.calls["opened_ns"].max())


def _answers(ledger: Ledger, fits: Table, scope: Scope) -> Table:
    """The calls of which something is known, numbered within their prompt."""
    calls = _within(ledger.calls, scope).semi_join(_spoken_of(ledger.signals, fits), ["trace_id", "span_id"])
    known = calls.select("trace_id", "span_id", opened_ns=either(calls["opened_ns"], 0), hash=md5(_prompt(calls)))
    order = [known["opened_ns"], known["trace_id"], known["span_id"]]
    return known.mutate(
        place=place(within=[known["hash"]], order=order), answers=size(known, within=[known["hash"]]).cast("int64")
    )


def _prompts(answers: Table) -> Table:
    """Each prompt with its number, its chunk, and how many calls stand before it."""
    firsts = answers.filter(answers["place"] == 0)
    many = firsts["answers"] > MAX_ANSWERS
    firsts = firsts.mutate(looked_at=many.ifelse(MAX_ANSWERS, firsts["answers"]).cast("int64"))
    order = [firsts["opened_ns"], firsts["trace_id"], firsts["span_id"]]
    numbered = firsts.mutate(prompt=place(order=order), before=sum_before(firsts["looked_at"], order=order))
    return numbered.select("hash", "looked_at", "prompt", "before", chunk=numbered["before"] // CHUNK_CALLS)


def _spoken_of(signals: Table, fits: Table) -> Table:
    """The keys of calls that a signal or a feedback is about, and of those that a regeneration brought."""
    found = signals.filter(signals["fact"] == "signal")
    again = found.filter(found["kind"] == "regeneration")
    return union(
        found.select("trace_id", "span_id"),
        again.select(trace_id=again["shown_by_trace_id"], span_id=again["shown_by_span_id"]),
        fits.filter(fits["call_count"] == 1).select("trace_id", "span_id"),
    )


def _prompt(calls: Table) -> Column:
    ids = text(calls["message_ids"].join(","))
    return text(calls["tenant"]) + "/" + text(calls["tools_id"]) + "/" + ids


def _within(calls: Table, scope: Scope) -> Table:
    """The calls of users that a scope names; by day too, since the tables are parted by it."""
    conditions = [
        calls["dt"] >= day(max(scope.since_ns, 0)),
        calls["opened_ns"] >= constant(scope.since_ns),
        calls["opened_ns"] < constant(scope.until_ns),
        calls["purpose"].isnull(),
    ]
    for column, values in (
        ("model", scope.models),
        ("route", scope.routes),
        ("tenant", scope.tenants),
        ("prompt_name", scope.prompts),
        ("user", scope.users),
    ):
        conditions += one_of(calls[column], values)
    return calls.filter(*conditions)


def one_of(column: Column, values: Sequence[str]) -> list[Column]:
    """The condition that a column is one of some values; none where there are no values."""
    return [column.isin(list(values))] if values else []
