"""What may be compared, and what comes of it."""

from typing import Any

import msgspec
import pytest

from backtalk.errors import RequestError
from backtalk.evaluation.comparison import compare
from backtalk.evaluation.scores import CaseScores, JudgeUsed, Scores, summed


def case(number: int, group: int | None = None, error: str | None = None, **scores: Any) -> CaseScores:
    """A case by its number."""
    return CaseScores(f"{number:064x}", number, number if group is None else group, scores, error=error)


def evaluated(model: str, *cases: CaseScores, judge: JudgeUsed | None = None) -> Scores:
    """An evaluation with these cases."""
    names = list(dict.fromkeys(name for one in cases for name in one.scores))
    return Scores("d1", "exam", model, "http://x", {}, judge, summed(names, cases), 0, cases)


def test_a_candidate_is_compared_on_the_same_cases() -> None:
    """Wins, losses and ties; the difference is of the paired cases alone."""
    before = evaluated("old", *(case(n, exact=0.0) for n in range(10)), case(10, exact=1.0), case(11, exact=1.0))
    after = evaluated("new", *(case(n, exact=1.0) for n in range(10)), case(10, exact=1.0), case(12, exact=0.0))
    found = compare(before, after)
    exact = found.scorers["exact"]
    assert (exact.n, exact.wins, exact.losses, exact.ties, exact.verdict) == (11, 10, 0, 1, "better")
    assert [exact.current, exact.candidate, exact.difference] == pytest.approx([1 / 11, 1.0, 10 / 11], abs=1e-6)
    assert exact.p_value == pytest.approx(2 / 2**10, abs=1e-6)
    assert found.left_out == {"only_current": 1, "only_candidate": 1, "current_error": 0, "candidate_error": 0}
    assert compare(after, before).scorers["exact"].verdict == "worse"


def test_an_error_is_no_loss() -> None:
    """The candidate's provider was away for nine cases of ten: there is one case to compare."""
    before = evaluated("old", *(case(n, exact=1.0) for n in range(10)))
    after = evaluated("new", case(0, exact=1.0), *(case(n, error="503", exact=None) for n in range(1, 10)))
    found = compare(before, after)
    assert (found.scorers["exact"].n, found.scorers["exact"].losses, found.left_out["candidate_error"]) == (1, 0, 9)


def test_ten_cases_of_one_session_decide_nothing() -> None:
    """They are one witness."""
    before = evaluated("old", *(case(n, group=0, exact=0.0) for n in range(10)))
    after = evaluated("new", *(case(n, group=0, exact=1.0) for n in range(10)))
    assert compare(before, after).scorers["exact"].verdict == "undecided"


def test_verdicts_of_other_judges_are_not_compared() -> None:
    """Another prompt is another judge."""
    one = evaluated("old", case(0, judge=1.0), judge=JudgeUsed("big", "a" * 64))
    with pytest.raises(RequestError, match="the judges differ"):
        compare(one, msgspec.structs.replace(one, judge=JudgeUsed("big", "b" * 64)))


def test_without_a_common_scorer_there_is_nothing_to_compare() -> None:
    """And both lists are said."""
    with pytest.raises(RequestError, match="no scorer is in both: exact and includes"):
        compare(evaluated("old", case(0, exact=1.0)), evaluated("new", case(0, includes=1.0)))
