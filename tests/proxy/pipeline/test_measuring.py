"""A model is asked what the evaluation asks, and compared with another."""

import json
from pathlib import Path

import pytest

from backtalk.errors import RequestError, UpstreamError
from backtalk.evaluation.kept import PLAN
from backtalk.evaluation.scores import CaseScores, Scores, summed, write_scores
from backtalk.pipeline import measuring
from backtalk.pipeline.measuring import Served, gain, plan_of, whole
from backtalk.testing.pipelines import a_pipeline

SERVED = Served("http://127.0.0.1:9/v1", "tuned")


def scores(values: list[float], *, errors: int = 0) -> Scores:
    """The scores of as many cases, and some without an answer."""
    cases = [CaseScores(f"{number:064x}", number, number, {"exact": value}) for number, value in enumerate(values)]
    cases += [CaseScores(f"{number:064x}", number, number, error="status 500") for number in range(100, 100 + errors)]
    return Scores("d", "exam", "m", "u", {}, None, summed(["exact"], cases), errors, tuple(cases))


def test_a_plan_is_what_the_pipeline_says(tmp_path: Path) -> None:
    """With the judge's words from the pipeline's folder."""
    (tmp_path / "judge.txt").write_text("Is {answer} right? {reference} {conversation}")
    text = 'scorers = ["exact", "judge"]\njudge = "big"\nlimit = 7\napi_key_env = "KEY"\nparams = { temperature = 0 }'
    plan = plan_of(a_pipeline(evaluate=text), tmp_path / "exam", SERVED)
    assert (plan.model, plan.base_url, plan.dataset) == ("tuned", SERVED.base_url, tmp_path / "exam")
    assert (plan.scorers, plan.limit, plan.key_env, plan.params) == (("exact", "judge"), 7, "KEY", {"temperature": 0})
    assert plan.judge is not None
    assert plan.judge.model == "big"


def test_the_gain_is_that_of_the_same_rows(tmp_path: Path) -> None:
    """With its interval and both means."""
    write_scores(_made(tmp_path / "current"), scores([0.0] * 6 + [1.0] * 6))
    write_scores(_made(tmp_path / "candidate"), scores([1.0] * 11, errors=1))
    found = gain("exact", tmp_path / "current", tmp_path / "candidate")
    assert (found.n, found.candidate) == (11, 1.0)
    assert found.estimate == pytest.approx(6 / 11, abs=1e-5)
    assert found.low < found.estimate < found.high
    with pytest.raises(RequestError, match="the scorer judge is not in both"):
        gain("judge", tmp_path / "current", tmp_path / "candidate")


def test_a_provider_that_is_away_says_nothing_of_the_model() -> None:
    """Above the allowed share of rows without an answer."""
    assert whole(scores([1.0] * 19, errors=1), 0.05).errors == 1
    with pytest.raises(UpstreamError, match="2 of 20 rows got no answer"):
        whole(scores([1.0] * 18, errors=2), 0.05)


def test_scores_of_another_url_are_begun_anew(tmp_path: Path) -> None:
    """A server that came up at another port; what lies there of this one is kept."""
    plan = plan_of(a_pipeline(), tmp_path / "none", SERVED)
    folder = _made(tmp_path / "candidate")
    for url, left in ((SERVED.base_url, True), ("http://127.0.0.1:8/v1", False)):
        (folder / PLAN).write_text(json.dumps({"base_url": url}))
        with pytest.raises(RequestError):
            measuring.measure(plan, folder, tmp_path, print)
        assert (folder / PLAN).exists() is left


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
