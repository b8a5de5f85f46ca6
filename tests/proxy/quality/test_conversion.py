"""Conversion: every fact leaves by exactly one exit."""

import random
from pathlib import Path
from typing import Any

import pytest

from backtalk.lineage import keeping
from backtalk.model.facts import Fact, SignalFound
from backtalk.quality.conversion import conversion
from backtalk.quality.coverage_queries import Period
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.ledgers import write_facts

HOUR_NS = 3_600 * 10**9
NOW_NS = stories.NOON_NS + 2 * HOUR_NS
PERIOD = Period(0, NOW_NS)
CALL, LATER = stories.closed(), stories.closed(response_id="chatcmpl-2")
TRACE = CALL.key.trace_id


def signal(name: str, **fields: Any) -> SignalFound:
    """A signal of the call."""
    return stories.signal(CALL.key, LATER.key, signal_id=name, **fields)


def exits(group: dict[str, Any]) -> dict[str, int]:
    """How many left by which exit."""
    return {one["exit"]: one["count"] for one in group["exits"]}


def ask(data_dir: Path, *facts: Fact, period: Period = PERIOD) -> dict[str, Any]:
    """The document of a ledger with these facts."""
    write_facts(data_dir / "ledger", CALL, LATER, *facts)
    return conversion(data_dir, period, NOW_NS)


def register(data_dir: Path, name: str, *rows: dict[str, Any], **fields: Any) -> None:
    """Register a dataset, now: long after the stories' facts."""
    keeping.register_dataset(data_dir, write_dataset(data_dir / "out", name, rows, **fields), actor="ada")


def test_rows_reasons_and_states_are_told_apart(tmp_path: Path) -> None:
    """Used for training, used for evaluation only, left out, taken back, never found its call, not selected."""
    register(tmp_path, "pairs", a_row("one", feedback=["used"], signals=["s-both"]),
             left_out=[{"feedback_id": "left", "reason": "not_chat"}])  # fmt: skip
    register(tmp_path, "exam", a_row("two", feedback=["asked"], signals=["s-both"]), kind="eval")
    found = ask(
        tmp_path,
        *(
            stories.feedback(feedback_id=name, target_trace_id=TRACE, rater=name)
            for name in ("used", "asked", "left", "plain", "gone")
        ),
        stories.feedback(kind="retraction", value_json="null", target_trace_id=TRACE, supersedes="gone", rater="gone"),
        stories.feedback(feedback_id="early", target_trace_id="e" * 32),
        signal("s-both"),
        signal("s-plain"),
    )
    feedback, signals = found["facts"]
    reasons = {"not_chat": 1, "not_selected": 1, "retracted": 1, "pending": 1}
    assert exits(feedback) == {"training": 1, "evaluation": 1} | reasons
    assert exits(signals) == {"training": 1, "not_selected": 1}
    assert (found["total"]["converted"], found["total"]["count"], found["datasets"]) == (3, 8, 2)
    assert found["total"]["low"] < found["total"]["share"] == 0.375 < found["total"]["high"]


def test_what_is_about_an_evaluation_is_nothing_to_convert(tmp_path: Path) -> None:
    """Neither its scores nor what was noticed about it; the user's own feedback is counted."""
    exam = stories.closed(call=stories.with_purpose("evaluation"), response_id="chatcmpl-3")
    scores = stories.feedback(target_trace_id=exam.key.trace_id)
    noticed = stories.signal(exam.key, exam.key, kind="empty_answer")
    found = ask(tmp_path, exam, scores, noticed, stories.feedback(target_trace_id=TRACE))
    assert [(one["fact"], one["count"]) for one in found["facts"]] == [("feedback", 1)]


def test_without_datasets_that_is_the_reason(tmp_path: Path) -> None:
    """And those that are retired are none."""
    register(tmp_path, "pairs", a_row("one", signals=["s1"]))
    keeping.retire_dataset(tmp_path, "pairs", actor="ada", reason="old")
    assert exits(ask(tmp_path, signal("s1"))["total"]) == {"no_dataset": 1}


def test_what_came_after_the_last_build_is_no_failure_of_it(tmp_path: Path) -> None:
    """It waits for the next one."""
    register(tmp_path, "pairs", a_row("one"))
    after_ns = 10**19 // 2
    found = ask(tmp_path, signal("s1", found_ns=after_ns), period=Period(0, after_ns + 1))
    assert exits(found["total"]) == {"newer_than_datasets": 1}


def test_a_signal_counts_by_its_latest_replay(tmp_path: Path) -> None:
    """Superseded rows are no facts of their own, withdrawn ones none at all."""
    found = ask(
        tmp_path, signal("s1"), signal("s1", replay=1, detector_version="2"), signal("s2"),
        signal("s2", replay=2, withdrawn=True),
    )  # fmt: skip
    assert found["total"]["count"] == 1


def test_kinds_are_told_by_age(tmp_path: Path) -> None:
    """Each age has its own share."""
    old_ns = NOW_NS - 30 * 24 * HOUR_NS
    found = ask(tmp_path, signal("s1"), signal("s2", found_ns=old_ns), signal("s3", found_ns=old_ns, kind="stop"))
    ages = {one["kind"]: {age: part["count"] for age, part in one["ages"].items()} for one in found["kinds"]}
    assert ages == {"regeneration": {"under 1 day": 1, "older": 1}, "stop": {"older": 1}}


@pytest.mark.parametrize("seed", range(5))
def test_the_exits_are_a_partition(tmp_path: Path, seed: int) -> None:
    """In every group counts add up to the group's and shares to 1."""
    draw = random.Random(seed)  # noqa: S311 -- made-up facts, the same for a seed
    names = [f"f{number}" for number in range(40)]
    used, left = draw.sample(names, 10), draw.sample(names, 10)
    register(tmp_path, "pairs", a_row("one", feedback=used), left_out=[{"feedback_id": n, "reason": n} for n in left])
    found = ask(
        tmp_path,
        *(
            stories.feedback(
                feedback_id=name,
                kind=draw.choice(("rating", "event")),
                target_trace_id=draw.choice((TRACE, LATER.key.trace_id, "e" * 32)),
                rater=draw.choice("abc"),
                given_ns=NOW_NS - draw.randrange(60 * 24 * HOUR_NS),
            )
            for name in names
        ),
        *(signal(f"s{number}") for number in range(draw.randrange(9))),
    )
    groups = [found["total"], *found["facts"], *found["kinds"]]
    groups += [part for kind in found["kinds"] for part in kind["ages"].values()]
    for group in groups:
        assert sum(one["count"] for one in group["exits"]) == group["count"] > 0
        assert sum(one["share"] for one in group["exits"]) == pytest.approx(1)
    assert sum(one["count"] for one in found["kinds"]) == found["total"]["count"]
    assert exits(found["total"])["training"] == 10


def test_an_empty_ledger_knows_nothing(tmp_path: Path) -> None:
    """No share is told of nothing."""
    assert conversion(tmp_path, PERIOD, NOW_NS)["total"] == {
        "count": 0, "converted": 0, "share": None, "low": 0.0, "high": 1.0, "exits": [],
    }  # fmt: skip
