"""The pair model: rewordings score high, other questions low, whatever the script, and the same on every machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.text.pair_model import MODEL, reformulation

GOLDEN = [
    ("When did they disband?", "When did the Mothers of Invention disband?", 0.9964685094617782),
    ("Who was Bill W. married to?", "Let me rephrase: who was Bill W. married to?", 0.9972617000461836),
    ("What is the net worth of Nick Offerman?", "What is the net worth of Kate Winslet?", 0.013066064499743065),
    ("Where did he go to school?", "When did he graduate?", 0.003110308029591821),
    ("Was ist die Hauptstadt?", "Wie heißt die Hauptstadt von Polen?", 0.07102851680503085),
    ("东京天气怎么样", "东京今天天气怎么样", 0.5896994840042131),
    ("", "", 0.0),
]


@pytest.mark.parametrize(("a", "b", "probability"), GOLDEN)
def test_the_shipped_model_scores_as_when_it_was_fitted(a: str, b: str, probability: float) -> None:
    """A change of features, files or arithmetic shows here first."""
    assert reformulation(a, b).probability == pytest.approx(probability, abs=1e-9)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("When did they disband?", "When did the Mothers of Invention disband?"),
        ("How do I boil an egg", "How do I boil an egg properly?"),
        ("what is the capital of france", "What is France's capital, the capital of France?"),
    ],
)
def test_a_rewording_scores_high(a: str, b: str) -> None:
    """The same question, said more fully."""
    assert reformulation(a, b).probability > 0.8


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("When did they disband?", "Who played the drums?"),
        ("How do I boil an egg?", "Which museums are open on Mondays?"),
        ("Thanks, that helps", "What about the second one?"),
    ],
)
def test_another_question_scores_low(a: str, b: str) -> None:
    """Nothing of it was asked before."""
    assert reformulation(a, b).probability < 0.2


def test_meaning_is_asked_only_where_words_leave_doubt() -> None:
    """A sure pair costs no embedding; two languages always do."""
    asked: list[str] = []

    def embed(text: str) -> tuple[float, ...]:
        asked.append(text)
        return (1.0, 0.0)

    assert reformulation("How do I boil an egg", "How do I boil an egg properly?", embed).provenance == "lexical"
    assert asked == []
    score = reformulation("What is the capital of the country?", "Was ist die Hauptstadt von dem Land?", embed)
    assert score.provenance == "embedding"
    assert score.probability > 0.9
    assert len(asked) == 2


def test_an_unspaced_script_keeps_to_the_middle() -> None:
    """Nothing openly licensed was there to learn it from."""
    assert 0.2 <= reformulation("东京天气怎么样", "东京今天天气怎么样").probability <= 0.6


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_probability_is_one(a: str, b: str) -> None:
    """Whatever is typed."""
    assert 0 <= MODEL.score(a, b).probability <= 1
