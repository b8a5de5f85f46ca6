"""`scores.json`: counts, bytes, and what is no such file."""

from pathlib import Path

import pytest

from backtalk.errors import RequestError
from backtalk.evaluation.scores import CaseScores, JudgeUsed, Scores, read_scores, summed, write_scores

CASES = (
    CaseScores("a" * 64, 0, 0, {"exact": 1.0, "judge": "unparsable"}, "4bf9", "00f0"),
    CaseScores("b" * 64, 1, 1, {"exact": 0.0, "judge": 0.5}, "5bf9", "10f0"),
    CaseScores("c" * 64, 2, 2, {"exact": None, "judge": None}, error="503 upstream_unavailable"),
)
SCORES = Scores(
    "d1", "exam", "small", "http://x/v1", {"temperature": 0}, JudgeUsed("big", "f" * 64),
    summed(("exact", "judge"), CASES), 1, CASES,
)  # fmt: skip


def test_what_is_no_score_is_counted_apart() -> None:
    """An error is in no mean; an unparsable verdict is neither right nor wrong."""
    exact, judge = SCORES.scorers["exact"], SCORES.scorers["judge"]
    assert (exact.n, exact.mean, exact.unparsable) == (2, 0.5, 0)
    assert (judge.n, judge.mean, judge.unparsable) == (1, 0.5, 1)
    assert SCORES.metrics == {
        "exact.mean": 0.5, "judge.mean": 0.5, "exact.n": 2, "judge.n": 1, "errors": 1, "cases": 3,
    }  # fmt: skip


def test_it_is_read_as_it_was_written_and_equal_scores_are_equal_bytes(tmp_path: Path) -> None:
    """By its folder or its file."""
    file = write_scores(tmp_path, SCORES)
    content = file.read_bytes()
    assert read_scores(tmp_path) == read_scores(file) == SCORES
    write_scores(tmp_path, read_scores(tmp_path))
    assert file.read_bytes() == content


@pytest.mark.parametrize("content", [None, b"{}", b"[", b'{"dataset_id": 3}'])
def test_anything_else_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """With the path."""
    if content is not None:
        (tmp_path / "scores.json").write_bytes(content)
    with pytest.raises(RequestError, match=str(tmp_path)):
        read_scores(tmp_path)
