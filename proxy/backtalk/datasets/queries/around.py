"""The rows around the calls to look at, chunk by chunk: what was noticed and said of them.

In: the ledger, what feedback fits, and the calls to look at. Out: rows, each with its chunk. The one rule: nothing is
decided here that a single row's reader could decide: which signal counts is `ledger.counting`'s to say, which
feedback is `ledger.standing`'s.
"""

from typing import Final

from backtalk.datasets.queries.expressions import Table, constant, either, is_given, newest, number, place, text, union
from backtalk.datasets.queries.fits import once
from backtalk.datasets.queries.scope import MAX_FACTS, Scope
from backtalk.datasets.queries.tables import Ledger
from backtalk.datasets.queries.touched import one_of

CALL: Final = (
    "trace_id", "span_id", "parent_span_id", "tenant", "session_id", "user", "opened_ns", "api", "model",
    "model_served", "response_id", "status", "outcome", "message_ids", "answer_ids", "tools_id", "params_json",
    "request_capture", "response_capture", "erased_ns",
)  # fmt: skip
SIGNAL: Final = (
    "fact", "signal_id", "kind", "trace_id", "span_id", "shown_by_trace_id", "shown_by_span_id", "probability",
    "found_ns", "polarity", "provenance", "replay",
)  # fmt: skip
FEEDBACK: Final = (
    "feedback_id", "item", "kind", "value_json", "tenant", "given_ns", "trace_id", "span_id", "response_id",
    "parent_span_id", "session_id", "metric", "rater", "source", "channel", "key_id", "at_ns", "supersedes", "rank",
    "choice", "span_start", "span_end", "range_low", "range_high", "direction",
)  # fmt: skip
_KEY: Final = ("trace_id", "span_id")
_ONE: Final = ("feedback_id", "item_no")
_ASKING: Final = ("feedback_id", "item", "given_ns", "request_span_id", "tenant", "trace_id", "session_id")


def answers(ledger: Ledger, touched: Table) -> Table:
    """The calls to look at."""
    here = touched.select("chunk", "position", "prompt", *_KEY)
    return ledger.calls.select(*CALL).join(here, list(_KEY))


def signals(ledger: Ledger, touched: Table) -> Table:
    """The newest signals and withdrawals about those calls, each with whether the call that shows it has ended."""
    noticed = _noticed(ledger.signals, touched)
    noticed = noticed.filter(noticed["place"] < MAX_FACTS).select("chunk", *SIGNAL)
    shown = noticed.select(shown_trace_id="shown_by_trace_id", shown_span_id="shown_by_span_id").distinct()
    ended = ledger.calls.select(*_KEY).semi_join(shown, [("trace_id", "shown_trace_id"), ("span_id", "shown_span_id")])
    ended = ended.select(ended_trace_id="trace_id", ended_span_id="span_id").distinct()
    told = noticed.left_join(ended, [("shown_by_trace_id", "ended_trace_id"), ("shown_by_span_id", "ended_span_id")])
    return told.select("chunk", *SIGNAL, is_shown=number(told["ended_span_id"].notnull()))


def links(ledger: Ledger, touched: Table) -> Table:
    """Where calls were put that had shown a signal before."""
    noticed = _noticed(ledger.signals, touched)
    noticed = noticed.filter(noticed["fact"] == "signal").select(
        "chunk", by_trace_id="shown_by_trace_id", by_span_id="shown_by_span_id", noticed_ns="found_ns"
    )
    put = ledger.signals.filter(ledger.signals["fact"] == "link").select(*_KEY, "found_ns", "evidence_json")
    found = put.join(noticed, [("trace_id", "by_trace_id"), ("span_id", "by_span_id")])
    later = found.filter(found["found_ns"] > found["noticed_ns"]).mutate(evidence_json=text(found["evidence_json"]))
    once_each = later.group_by(["chunk", *_KEY, "found_ns", "evidence_json"]).aggregate(
        earliest_ns=later["noticed_ns"].min()
    )
    return once_each.select(
        "chunk", *_KEY, "found_ns", "evidence_json"
    )  # not `distinct`: for Spark it takes in `noticed_ns`


def edits(ledger: Ledger, touched: Table) -> Table:
    """The calls that show how somebody edited an answer."""
    by = edited_by(ledger.signals, touched)
    found = ledger.calls.select(*CALL).join(by, [("trace_id", "by_trace_id"), ("span_id", "by_span_id")])
    return found.select("chunk", *CALL)


def edited_by(signals: Table, touched: Table) -> Table:
    """The keys of those calls, by chunk."""
    found = signals.filter((signals["fact"] == "signal") & (signals["kind"] == "assistant_edit"))
    here = found.join(touched.select("chunk", *_KEY), list(_KEY))
    return here.select("chunk", by_trace_id="shown_by_trace_id", by_span_id="shown_by_span_id").distinct()


def feedback(ledger: Ledger, fits: Table, touched: Table) -> Table:
    """The newest feedback that fits one of those calls, with that call's key."""
    fitting = _fitting(fits, touched)
    near = fitting.filter(fitting["place"] < MAX_FACTS).select("chunk", *_ONE, "call_trace_id", "call_span_id")
    return _said(ledger.feedback).join(near, list(_ONE))


def successors(ledger: Ledger, fits: Table, touched: Table) -> Table:
    """The newest feedback and retractions that name one of those as what they supersede."""
    earlier = _fitting(fits, touched).select("chunk", earlier_id="feedback_id").distinct()
    naming = ledger.feedback.filter(is_given(ledger.feedback["supersedes"]))
    later = _said(naming).join(earlier, [("supersedes", "earlier_id")])
    order = [newest(later["given_ns"]), later["feedback_id"], later["item_no"]]
    nth = later.mutate(place=place(within=[later["chunk"], later["supersedes"]], order=order))
    return nth.filter(nth["place"] < MAX_FACTS).select("chunk", "item_no", *FEEDBACK)


def unsettled(ledger: Ledger, fits: Table, scope: Scope) -> Table:
    """Feedback that is about no single call, with the reason why it makes no row."""
    said = ledger.feedback.filter(
        ledger.feedback["kind"] != "retraction",
        ledger.feedback["given_ns"] >= constant(scope.since_ns),
        ledger.feedback["given_ns"] < constant(scope.until_ns),
        *one_of(ledger.feedback["tenant"], scope.tenants),
    )
    first = once(said.select(*_ASKING)).select(*_ONE, "trace_id", "session_id", tenant_name=text(said["tenant"]))
    lone = first.anti_join(fits.filter(fits["call_count"] == 1), list(_ONE))
    several = fits.filter(fits["call_count"] > 1).select(several_id="feedback_id", several_no="item_no")
    told = lone.left_join(several, [("feedback_id", "several_id"), ("item_no", "several_no")])
    reason = (
        told["several_id"]
        .notnull()
        .ifelse("target_ambiguous", is_given(told["session_id"]).ifelse("target_is_session", "target_pending"))
    )
    told = told.select("feedback_id", "trace_id", "tenant_name", reason=reason)
    return _with_foreign(ledger.calls, told).distinct()


def _with_foreign(calls: Table, told: Table) -> Table:
    """What waits for its call, but for what names a trace that is another tenant's alone."""
    open_ones = told.filter(told["reason"] == "target_pending")
    named = calls.select(known_id="trace_id", known_tenant=text(calls["tenant"]))
    known = named.semi_join(open_ones, [("known_id", "trace_id")]).distinct()
    own = [("trace_id", "known_id"), ("tenant_name", "known_tenant")]
    foreign = open_ones.semi_join(known, [("trace_id", "known_id")]).anti_join(known, own)
    rest = told.anti_join(foreign, ["feedback_id", "trace_id"])
    return union(foreign.select("feedback_id", reason=constant("foreign_tenant")), rest.select("feedback_id", "reason"))


def beyond(ledger: Ledger, fits: Table, touched: Table) -> Table:
    """Facts that are not looked at, since there is more about their call than is looked at."""
    said, noticed = _fitting(fits, touched), _noticed(ledger.signals, touched)
    said, noticed = said.filter(said["place"] >= MAX_FACTS), noticed.filter(noticed["place"] >= MAX_FACTS)
    both = union(
        said.select(fact=constant("feedback"), id="feedback_id"),
        noticed.select(fact=constant("signal"), id="signal_id"),
    )
    return both.distinct()


def _noticed(signals: Table, touched: Table) -> Table:
    """Signals and withdrawals about the calls to look at, the newest of each call first."""
    found = signals.filter((signals["fact"] == "signal") | (signals["fact"] == "withdrawal"))
    here = found.select(*SIGNAL).join(touched.select("chunk", *_KEY), list(_KEY))
    here = here.mutate(found_ns=either(here["found_ns"], 0), replay=either(here["replay"], 0))
    order = [newest(here["found_ns"]), here["signal_id"], newest(here["replay"]), here["fact"]]
    return here.mutate(place=place(within=[here[name] for name in _KEY], order=order))


def _fitting(fits: Table, touched: Table) -> Table:
    """Feedback that fits exactly one call, where that is one to look at."""
    single = fits.filter(fits["call_count"] == 1).join(touched.select("chunk", *_KEY), list(_KEY))
    return single.select("chunk", "feedback_id", "item_no", "place", call_trace_id="trace_id", call_span_id="span_id")


def _said(feedback: Table) -> Table:
    """Feedback once, with its number among what was said of several calls."""
    return once(feedback.select(*FEEDBACK, "request_span_id")).select("item_no", *FEEDBACK)
