"""What is asked and how it is scored; the mark `evaluation` runs the whole of it with the real inspect_ai."""

from pathlib import Path

import msgspec
import pytest

from backtalk.errors import RequestError, SetupError
from backtalk.evaluation.cases import Case
from backtalk.evaluation.judging import BUILT_IN
from backtalk.evaluation.plan import Judge, Plan
from backtalk.evaluation.run import evaluate, request_of, scores_of, to_judge
from backtalk.model.chat import Message
from backtalk.testing.exams import build_exam

CASE = Case(0, "a" * 64, (Message("user", "Capital?"),), Message("assistant", "Oslo"), "failed", None, ())
PLAN = Plan(Path("exam"), "small", "http://127.0.0.1:1/v1", ("exact", "judge"), Judge("big", BUILT_IN))


def test_parameters_and_the_schema_are_asked_for() -> None:
    """Nothing is sent that was not said: no temperature by default."""
    assert set(request_of(PLAN, CASE)) == {"messages"}
    schema = {"type": "object"}
    plan = msgspec.structs.replace(PLAN, params={"temperature": 0}, schema=schema)
    asked = request_of(plan, CASE)
    assert asked["temperature"] == 0
    assert asked["response_format"]["json_schema"]["schema"] == schema


def test_scores_stand_in_the_plans_order_and_the_judges_place_is_kept() -> None:
    """So equal evaluations are equal bytes."""
    assert list(scores_of(PLAN, CASE, Message("assistant", "oslo")).items()) == [("exact", 1.0), ("judge", None)]


def test_without_a_reference_in_words_the_judge_is_not_asked() -> None:
    """There is nothing to hold an answer against."""
    answer = Message("assistant", "Bergen")
    assert to_judge(PLAN, CASE, answer) is not None
    assert to_judge(PLAN, msgspec.structs.replace(CASE, reference=None), answer) is None
    assert to_judge(msgspec.structs.replace(PLAN, judge=None), CASE, answer) is None


def test_without_inspect_the_refusal_says_what_to_install(tmp_path: Path) -> None:
    """And a plan that cannot be is refused before that."""
    plan = msgspec.structs.replace(PLAN, dataset=build_exam(tmp_path))
    with pytest.raises(SetupError, match=r"pip install 'backtalk\[evaluation\]'"):
        evaluate(plan, tmp_path / "out")
    with pytest.raises(RequestError, match="no scorer is called"):
        evaluate(msgspec.structs.replace(plan, scorers=("bleu",)), tmp_path / "out")
    with pytest.raises(SetupError, match="NO_SUCH_KEY"):
        evaluate(msgspec.structs.replace(plan, key_env="NO_SUCH_KEY"), tmp_path / "out")
