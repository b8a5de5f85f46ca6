"""An evaluation in the lineage."""

from pathlib import Path

import msgspec
import pytest

from backtalk.errors import RequestError
from backtalk.evaluation.cases import read_cases
from backtalk.evaluation.registering import register_evaluation
from backtalk.evaluation.scores import CaseScores, JudgeUsed, Scores, summed, write_scores
from backtalk.lineage.keeping import sha256_of
from backtalk.lineage.records import RunRegistered
from backtalk.testing.exams import build_exam


def test_a_run_names_all_that_could_have_changed_a_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dataset, model, judge and its prompt, parameters, figures, and the scores, from wherever it is said."""
    found = read_cases(build_exam(tmp_path))
    cases = (CaseScores(found.cases[0].sha256, 0, 0, {"judge": 1.0}),)
    judge = JudgeUsed("big", "f" * 64, "reference-1")
    figures = summed(("judge",), cases)
    scores = Scores(found.dataset_id, "exam", "small", "http://x/v1", {"temperature": 0}, judge, figures, 0, cases)
    write_scores(tmp_path, scores)
    monkeypatch.chdir(tmp_path.parent)
    folder = Path(tmp_path.name)
    body = register_evaluation(tmp_path, scores, folder, name="exam of small", actor="ada").body
    assert isinstance(body, RunRegistered)
    assert (body.purpose, body.dataset_ids, body.base_model) == ("evaluation", (found.dataset_id,), "small")
    assert body.artefact_uri == str(tmp_path / "scores.json")
    assert body.config["judge"] == {"model": "big", "prompt_sha256": "f" * 64, "prompt_version": "reference-1"}
    assert body.config["scores_sha256"] == body.artefact_sha256 == sha256_of(tmp_path / "scores.json")
    assert body.metrics == {"judge.mean": 1.0, "judge.n": 1.0, "errors": 0.0, "cases": 1.0}
    unknown = msgspec.structs.replace(scores, dataset_id="ffffffff")
    with pytest.raises(RequestError, match="no dataset is called"):
        register_evaluation(tmp_path, unknown, tmp_path, name="x", actor="ada")
