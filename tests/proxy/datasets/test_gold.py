"""What says how an answer was, and what else was said of it."""

import msgspec
import pytest

from backtalk.datasets.gold import cases_of, is_gold
from backtalk.plugin import Answer, Evidence
from backtalk.testing.samples import a_prompt, an_answer


def said(kind: str, log_odds: float, *, source: str = "end_user", measure: str = "", amount: float = 1.0) -> Evidence:
    """One fact of feedback."""
    return Evidence("feedback", f"{kind}-{source}", kind, log_odds, source=source, measure=measure, amount=amount)


LABEL = said("label", 3.0, source="reviewer", measure="label")
THUMB = said("rating", -2.3, measure="rating.down")
STOP = msgspec.structs.replace(said("stop", -0.2, measure="signal.stop", amount=0.5), fact="signal")


def cases(*answers: Answer) -> list[tuple[str, bool, dict[str, float]]]:
    """The cases among these answers, each answer in a session of its own."""
    sessions = {answer.key: f"s{number}" for number, answer in enumerate(answers)}
    return [(one.session, one.good, dict(one.amounts)) for one in cases_of([a_prompt(*answers)], sessions)]


def test_an_answer_with_a_verdict_is_a_case() -> None:
    """What else was said of it stands beside the verdict, by how much of each weight."""
    found = cases(an_answer("a", LABEL, THUMB, STOP), an_answer("b", THUMB))
    assert found == [("s0", True, {"rating.down": 1.0, "signal.stop": 0.5})]


def test_facts_of_one_weight_add_up() -> None:
    """As they do where an answer is judged."""
    assert cases(an_answer("a", LABEL, STOP, STOP))[0][2] == {"signal.stop": 1.0}


def test_verdicts_that_say_both_are_none() -> None:
    """A label against a label; the stronger one wins otherwise."""
    bad = msgspec.structs.replace(LABEL, log_odds=-3.0)
    assert cases(an_answer("a", LABEL, bad, THUMB)) == []
    assert cases(an_answer("a", LABEL, said("outcome", -2.5, source="system")))[0][1]


@pytest.mark.parametrize(
    ("fact", "gold"),
    [
        (LABEL, True),
        (said("outcome", 2.5, source="system"), True),
        (said("rating", 1.4, source="reviewer"), True),
        (THUMB, False),
        (said("label", 1.5, source="model_judge"), False),
        (STOP, False),
        (msgspec.structs.replace(said("outcome", 0.75, source="system"), of_session=True), False),
    ],
)
def test_gold_is_what_a_person_looked_at_or_what_turned_out(fact: Evidence, gold: bool) -> None:
    """A model's opinion is not, and neither is what a user said."""
    assert is_gold(fact) is gold
