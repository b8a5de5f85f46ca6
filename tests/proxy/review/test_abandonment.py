"""How often a session ended on an answer: what counts, what does not, and how sure the share is."""

from typing import Any

from backtalk import clock
from backtalk.ledger.rows import Rows
from backtalk.model.chat import Response
from backtalk.model.facts import CallClosed, SessionLinked
from backtalk.quality.intervals import wilson
from backtalk.review.abandonment import Abandonment, abandonment
from backtalk.testing import factories
from backtalk.testing.dialogue import Dialogue, Stage

WAIT_NS = 1_800 * clock.NS_PER_S
ROWS = Rows(b"secret")


def counted(stage: Stage, column: str = "model") -> tuple[Abandonment, list[Abandonment]]:
    """The shares of what was played."""
    calls, signals = list[dict[str, Any]](), list[dict[str, Any]]()
    for fact in stage.facts:
        if isinstance(fact, CallClosed | SessionLinked):
            for table, row in ROWS.of(fact):
                {"calls": calls, "signals": signals}.get(table, []).append(dict(row))
    return abandonment(calls, signals, WAIT_NS, lambda call: str(call[column]))


def later(stage: Stage) -> None:
    """Somebody else asks hours later: so far the facts reach."""
    stage.wait(20_000)
    Dialogue(stage, end_user="late").says("Is anybody here at this hour?")


def test_the_last_answer_of_a_session_ended_it() -> None:
    """The ones before it were continued; the last caller's is too young to tell."""
    stage = Stage()
    chat = Dialogue(stage)
    for text in ("How do tides work?", "And on a lake?", "And in a bath?"):
        chat.says(text)
    later(stage)
    baseline, _ = counted(stage)
    assert (baseline.ended, baseline.share.cases, baseline.undecided) == (1, 3, 1)


def test_who_comes_back_after_the_wait_had_left() -> None:
    """It is one session and two visits, each with its end."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says("How do tides work?")
    chat.says("And on a lake?", read_s=7_200)
    later(stage)
    baseline, _ = counted(stage)
    assert (baseline.ended, baseline.share.cases) == (2, 2)


def test_asking_again_is_not_leaving() -> None:
    """Neither a regeneration nor an edit ends a session."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says("Tell me of the sea.")
    chat.says("How do tides work?")
    chat.regenerates()
    later(stage)
    baseline, _ = counted(stage)
    assert (baseline.ended, baseline.share.cases) == (1, 3)


def test_what_nobody_read_is_no_answer() -> None:
    """Failures, stops, retries, side calls, tool calls, and programs that ask once."""
    stage = Stage()
    Dialogue(stage, end_user="a").says("How do tides work?", answer="", status=503)
    Dialogue(stage, end_user="b").says("How do tides work?", answer="The moon", outcome="client_disconnected")
    Dialogue(stage, end_user="c", stream=False).says("Summarise the following report in one line.")
    asked = factories.opened("What is the weather in Turin?", at_s=stage.now_s + 9, end_user="d")
    stage.open(asked)
    calls = factories.assistant_calls(factories.tool_call("weather"))
    stage.close(factories.closed(asked, response=Response(choices=(calls,), finish_reasons=("tool_calls",))))
    later(stage)
    baseline, _ = counted(stage)
    assert baseline.share.cases == 0
    assert (baseline.share.low, baseline.share.high) == (0.0, 1.0)


def test_a_group_stands_beside_the_baseline() -> None:
    """One prompt loses people at once, the other keeps them."""
    stage = Stage()
    for number in range(20):
        chat = Dialogue(stage, end_user=f"u{number}", api="chat", path="/a" if number % 2 else "/b")
        chat.says(f"How do tides work at place {number}?")
        if number % 2:
            for text in ("And on a lake?", "And in a bath?"):
                chat.says(text)
    later(stage)
    baseline, groups = counted(stage, "path")
    shares = {each.group: each.share for each in groups}
    assert baseline.share.low < baseline.share.value < baseline.share.high
    assert shares["/b"].value == 1.0
    assert abs(shares["/a"].value - 1 / 3) < 1e-9
    assert shares["/a"].high < shares["/b"].low
    assert counted(stage, "path") == (baseline, groups)


def test_answers_of_one_session_are_not_counted_as_independent() -> None:
    """Sessions of very different length say less than as many answers of as many people."""
    stage = Stage()
    for number, turns in enumerate((1, 1, 1, 1, 30)):
        chat = Dialogue(stage, end_user=f"u{number}")
        for turn in range(turns):
            chat.says(f"How do tides work at place {number}, hour {turn}?")
    later(stage)
    share = counted(stage)[0].share
    assert share.cases == 34
    assert share.high > wilson(5, 34).high + 0.1
