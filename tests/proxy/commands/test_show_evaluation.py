"""How an evaluation looks on a terminal."""

import json
from pathlib import Path

import msgspec
import pytest

from backtalk.commands import show_evaluation
from backtalk.evaluation.comparison import compare
from backtalk.evaluation.scores import CaseScores, Scores, summed

CASES = (
    CaseScores("a" * 64, 0, 0, {"exact": 1.0, "judge": "unparsable"}),
    CaseScores("b" * 64, 1, 0, error="503"),
)
SCORES = Scores("d1", "exam", "sm\x1b[31mall", "http://x", {}, None, summed(("exact", "judge"), CASES), 1, CASES)


def test_scores_come_with_their_intervals_and_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing known is no zero; what no case was scored by has no mean."""
    show_evaluation.scores(SCORES, Path("out"), as_json=False)
    said = capsys.readouterr().out
    exact, judge = (line.split() for line in said.splitlines() if line.startswith(("exact", "judge")))
    assert (exact[1], exact[-3:]) == ("1.000", ["1", "1", "0"])
    assert (judge[1], judge[-3:]) == ("-", ["0", "0", "1"])
    assert "1 without an answer" in said
    show_evaluation.scores(SCORES, Path("out"), as_json=True)
    assert json.loads(capsys.readouterr().out)["errors"] == 1


def test_other_datasets_are_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A newer exam shares some cases with an older one."""
    newer = msgspec.structs.replace(SCORES, dataset_id="d2")
    show_evaluation.comparison(compare(SCORES, newer), as_json=False)
    assert "The datasets differ" in capsys.readouterr().out


def test_progress_is_quiet_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    """A log holds no bars."""
    with show_evaluation.progress() as told:
        told(1, 2)
    assert capsys.readouterr() == ("", "")
