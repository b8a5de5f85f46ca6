"""What a trigger asks of the ledger."""

from pathlib import Path
from typing import Any

import pytest

from backtalk.ledger.query import LedgerQuery
from backtalk.model.facts import CallClosed, Fact
from backtalk.quality import trigger_queries
from backtalk.quality.coverage_queries import Period
from backtalk.quality.two_shares import Sums
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

NOON = stories.NOON_NS
EVER = NOON + 10**15


def call(session: str = "a", **fields: Any) -> CallClosed:
    """A call of a session."""
    key = stories.a_key()
    return stories.closed(
        call=stories.opened(key=key, **fields), session_id=session, response_id=f"chatcmpl-{key.span_id}"
    )


def said(about: CallClosed, value: str, kind: str = "rating", **fields: Any) -> Fact:
    """Feedback about a call."""
    return stories.feedback(
        kind=kind, value_json=value, target_trace_id=about.key.trace_id, target_span_id=about.key.span_id, **fields
    )


def new_facts(folder: Path, since_ns: int, *facts: Fact, until_ns: int = EVER) -> dict[str, tuple[int, int | None]]:
    """How many are new, and the newest, by kind of fact."""
    rows = LedgerQuery(write_facts(folder, *facts)).rows(trigger_queries.new_facts(since_ns, until_ns))
    return {row["fact"]: (row["facts"], row["newest_ns"]) for row in rows}


def sums(folder: Path, metric: str, *facts: Fact, since_ns: int = 0, until_ns: int = EVER) -> Sums:
    """The sums of a metric."""
    (row,) = LedgerQuery(write_facts(folder, *facts)).rows(trigger_queries.sums(metric, Period(since_ns, until_ns)))
    return Sums(**row)


def test_facts_are_new_behind_an_instant(tmp_path: Path) -> None:
    """Once each, up to the end; what was taken back and what a model said is none."""
    calls = [call() for _ in range(4)]
    facts: list[Fact] = [
        *calls,
        stories.signal(calls[0].key, calls[1].key, found_ns=NOON + 5),
        stories.signal(calls[1].key, calls[2].key, found_ns=NOON),
        stories.signal(calls[2].key, calls[3].key, kind="topic_change", polarity="neutral", found_ns=NOON + 6),
        stories.signal(calls[2].key, calls[3].key, kind="judged", provenance="llm", found_ns=NOON + 6),
        said(calls[0], "true", given_ns=NOON + 7),
        said(calls[0], "false", given_ns=NOON),
        said(calls[1], "true", given_ns=NOON + 8, source="model_judge"),
        stories.feedback(kind="retraction", value_json="null", given_ns=NOON + 9, supersedes="f"),
    ]
    assert new_facts(tmp_path, NOON, *facts) == {"signals": (1, NOON + 5), "feedback": (1, NOON + 7)}
    assert new_facts(tmp_path, NOON + 7) == {"signals": (0, None), "feedback": (0, None)}


def test_an_empty_ledger_has_nothing_new(tmp_path: Path) -> None:
    """And no share."""
    assert new_facts(tmp_path, 0) == {"signals": (0, None), "feedback": (0, None)}
    assert sums(tmp_path, "bad_share") == Sums()


def test_answers_are_summed_up_by_session(tmp_path: Path) -> None:
    """Of what anything is known: two of session a, one of b; one is bad."""
    one, two, three, silent = call("a"), call("a"), call("b"), call("b")
    facts = (one, two, three, silent, said(one, "false"), said(two, "true"), said(three, "true"))
    assert sums(tmp_path, "bad_share", *facts) == Sums(sessions=2, n=3, h=1, hh=1, hn=2, nn=5)
    assert sums(tmp_path, "rejected_share") == Sums(2, 3, 1, 1, 2, 5)
    assert sums(tmp_path, "negative_signal_share") == Sums(2, 4, 0, 0, 0, 8)


@pytest.mark.parametrize(
    ("kind", "value", "fields", "bad"),
    [
        ("correction", '"Otherwise."', {}, 1),
        ("outcome", "true", {"metric": "solved"}, 0),
        ("outcome", "true", {"metric": "escalated", "direction": "lower"}, 1),
        ("label", "false", {"source": "reviewer"}, 1),
    ],
)
def test_what_speaks_against_an_answer(tmp_path: Path, kind: str, value: str, fields: Any, bad: int) -> None:
    """By its kind, its value and the direction that is good."""
    one = call()
    found = sums(tmp_path, "bad_share", one, said(one, value, kind, **fields))
    assert (found.n, found.h) == (1, bad)


def test_signals_speak_where_they_are_likely(tmp_path: Path) -> None:
    """A negative one against, a positive one for; below one half neither."""
    calls = [call(str(number)) for number in range(4)]
    facts: list[Fact] = [
        *calls,
        stories.signal(calls[0].key, calls[3].key),
        stories.signal(calls[1].key, calls[3].key, kind="acceptance", polarity="positive"),
        stories.signal(calls[2].key, calls[3].key, probability=0.3),
    ]
    assert sums(tmp_path, "bad_share", *facts)[:3] == (2, 2, 1)
    assert sums(tmp_path, "negative_signal_share")[:3] == (4, 4, 1)


def test_a_period_ends_for_calls_and_for_what_is_known_of_them(tmp_path: Path) -> None:
    """So that an earlier week has no more time to be judged than a later one."""
    early, late = call(), call(opened_ns=NOON + 100)
    facts = (early, late, said(early, "false", given_ns=NOON + 50), said(late, "false", given_ns=NOON + 150))
    assert sums(tmp_path, "bad_share", *facts, since_ns=NOON - 1, until_ns=NOON + 60).h == 1
    assert sums(tmp_path, "bad_share", since_ns=NOON - 1, until_ns=NOON + 40).n == 0
    assert sums(tmp_path, "bad_share", since_ns=NOON + 60, until_ns=NOON + 200).h == 1


def test_rejected_feedback_and_failed_calls_say_nothing(tmp_path: Path) -> None:
    """Nor do calls that are no answers."""
    one, failed = call(), stories.closed(outcome="failed", status=500, session_id="c")
    vote = said(one, "false", feedback_id="f-1")
    root = write_facts(tmp_path, one, failed, vote, said(failed, "false"))
    (row,) = LedgerQuery(root).rows(trigger_queries.sums("bad_share", Period(0, EVER), ["f-1"]))
    assert Sums(**row) == Sums()
