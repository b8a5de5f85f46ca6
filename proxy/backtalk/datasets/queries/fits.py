"""Which call a feedback fits: what `ledger.targets` says of one feedback, said of all at once.

In: calls and feedback. Out: for each feedback the number of calls that its key fits, and the one where it is one. The
one rule: nothing fits across tenants, and no key is ever unfolded into the calls that share it: calls are counted by
key, so that a trace or a provider's id that millions of calls share costs what any other costs.
"""

from typing import Final

from backtalk.datasets.queries.expressions import Column, Table, constant, either, is_given, newest, place, text, union
from backtalk.datasets.queries.tables import Ledger

_KEY: Final = ("by", "tenant", "name", "part")
_ONE: Final = ("feedback_id", "item_no")
_ASKING: Final = (
    "feedback_id", "item", "kind", "given_ns", "request_span_id", "tenant", "trace_id", "span_id", "response_id",
    "parent_span_id",
)  # fmt: skip
_HIT: Final = (*_ONE, "rank", "given_ns", "call_count", "trace_id", "span_id")


def once(feedback: Table) -> Table:
    """Each feedback (of what is about several calls, each item) by the row that came first."""
    numbered = feedback.mutate(item_no=either(feedback["item"], -1))
    order = [either(numbered["given_ns"], 0), text(numbered["request_span_id"])]
    nth = place(within=[numbered["feedback_id"], numbered["item_no"]], order=order)
    return _at_first(numbered.mutate(nth=nth))


def fits(ledger: Ledger, *, last_answers: bool = False) -> Table:
    """The feedback whose key fits any call; with `last_answers` also what is about a session that had ended."""
    asked = _asked(once(ledger.feedback.select(*_ASKING)))
    found = _found(ledger.calls, asked)
    hits = asked.join(found, list(_KEY)).select(*_HIT)
    if last_answers:
        hits = union(hits, _of_sessions(ledger))
    best = _at_first(hits.mutate(nth=place(within=[hits[name] for name in _ONE], order=[hits["rank"]])))
    about = [best["trace_id"], best["span_id"], best["call_count"] == 1]
    order = [newest(best["given_ns"]), best["feedback_id"], best["item_no"]]
    return best.select(*_ONE, "call_count", "trace_id", "span_id", place=place(within=about, order=order))


def _asked(feedback: Table) -> Table:
    """The keys by which each feedback asks for its call; a `traceparent` names the call itself, or what made it."""
    said = feedback.filter(feedback["kind"] != "retraction")
    by_response, by_span = is_given(said["response_id"]), is_given(said["span_id"])
    by_parent = is_given(said["parent_span_id"])
    named: Column = by_span | by_parent
    exact = by_response.ifelse("response", named.ifelse("span", "trace"))
    name = by_response.ifelse(text(said["response_id"]), text(said["trace_id"]))
    span = by_span.ifelse(text(said["span_id"]), text(said["parent_span_id"]))
    part = by_response.ifelse("", span)
    beyond = said.filter(~by_response & ~by_span & by_parent)
    first = _keys(said, exact, name, part, 0)
    second = _keys(beyond, constant("parent"), text(beyond["trace_id"]), text(beyond["parent_span_id"]), 1)
    both = union(first, second)
    return both.filter(both["name"] != "")


def _of_sessions(ledger: Ledger) -> Table:
    """Feedback about a session, with its last call where that came before it; a session has two names at most."""
    said = once(ledger.feedback.select(*_ASKING, "session_id"))
    said = said.filter(said["kind"] != "retraction", is_given(said["session_id"]))
    named = said.select(*_ONE, given_ns=either(said["given_ns"], 0), tenant=text(said["tenant"]), name="session_id")
    users = ledger.calls.filter(ledger.calls["purpose"].isnull())
    calls = union(_in_session(users, "session_id"), _in_session(users, "declared_session"))
    calls = calls.semi_join(named, ["tenant", "name"])
    order = [newest(calls["opened_ns"]), calls["trace_id"], calls["span_id"]]
    last = _at_first(calls.mutate(nth=place(within=[calls["tenant"], calls["name"]], order=order)))
    both = named.join(last, ["tenant", "name"])
    both = both.filter(both["opened_ns"] <= both["given_ns"])
    return both.mutate(rank=constant(0).cast("int64"), call_count=constant(1).cast("int64")).select(*_HIT)


def _in_session(calls: Table, name: str) -> Table:
    found = calls.filter(is_given(calls[name]))
    opened_ns = either(found["opened_ns"], 0)
    return found.select("trace_id", "span_id", opened_ns=opened_ns, tenant=text(found["tenant"]), name=found[name])


def _keys(said: Table, by: Column, name: Column, part: Column, rank: int) -> Table:
    given_ns, rank_no = either(said["given_ns"], 0), constant(rank).cast("int64")
    return said.select(*_ONE, given_ns=given_ns, rank=rank_no, by=by, tenant=text(said["tenant"]), name=name, part=part)


def _found(calls: Table, asked: Table) -> Table:
    """Of each key that is asked for, how many calls have it, and one of them."""
    names = union(
        _named(calls.filter(is_given(calls["response_id"])), "response", "response_id", None),
        _named(calls, "trace", "trace_id", None),
        _named(calls, "span", "trace_id", "span_id"),
        _named(calls.filter(is_given(calls["parent_span_id"])), "parent", "trace_id", "parent_span_id"),
    )
    wanted = names.semi_join(asked, list(_KEY))
    return wanted.group_by(list(_KEY)).aggregate(
        call_count=wanted.count().cast("int64"), trace_id=wanted["trace_id"].min(), span_id=wanted["span_id"].min()
    )


def _named(calls: Table, by: str, name: str, part: str | None) -> Table:
    return calls.select(
        "trace_id",
        "span_id",
        by=constant(by),
        tenant=text(calls["tenant"]),
        name=text(calls[name]),
        part=constant("") if part is None else text(calls[part]),
    )


def _at_first(numbered: Table) -> Table:
    return numbered.filter(numbered["nth"] == 0).drop("nth")
