"""How pipelines look on a terminal."""

from typing import Any

import pytest

from backtalk.commands import show_pipeline
from backtalk.pipeline.events import Ended, told
from backtalk.pipeline.gates import Gate, Verdict
from backtalk.pipeline.running import Done
from backtalk.testing.pipelines import began

EVIL = "[red]x[/red]\x1b[31m"


def document(**fields: Any) -> dict[str, Any]:
    """A run's document with whatever a stranger may have written."""
    state = told([began("r", why=EVIL), Ended(3, "no_proposal", EVIL)])
    assert state is not None
    return {**state.document(at_work=False), "folder": EVIL, "proposal": None, **fields}


def test_what_strangers_wrote_is_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither markup nor control characters reach the terminal."""
    one = document(pipeline=EVIL, steps={EVIL: {"checks": [{"name": EVIL, "holds": False, "sentence": EVIL}]}})
    show_pipeline.runs([one])
    show_pipeline.run(one)
    show_pipeline.verdict(Verdict(False, (Gate("facts", False, EVIL),)).document)
    said = capsys.readouterr().out
    assert "[red]x[/red]" in said
    assert "\x1b" not in said


def test_what_came_of_a_run_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Or which gate kept it from beginning."""
    show_pipeline.done(Done(told([began("r"), Ended(3, "no_proposal", "worse")])))
    show_pipeline.done(Done(None, Verdict(False, (Gate("facts", False, "3 of 9"),))))
    said = capsys.readouterr().out
    assert "run r: no_proposal" in said
    assert "worse" in said
    assert "closed  facts: 3 of 9" in said


def test_an_open_step_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """With its attempts."""
    show_pipeline.run(document(step="train", attempts={"train": 2}))
    assert "not done, attempt 2" in capsys.readouterr().out
