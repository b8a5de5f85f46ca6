"""Signals in the words that backends share; feedback has a module of its own."""

import pytest

from backtalk.plugin.verdicts import Verdict, of_signal
from backtalk.testing import factories
from backtalk.testing.facts import signal

ABOUT = factories.call_key()


@pytest.mark.parametrize(("provenance", "annotator"), [("structural", "CODE"), ("lexical", "CODE"), ("llm", "LLM")])
def test_a_signals_provenance_says_who_judges(provenance: str, annotator: str) -> None:
    """A model's verdict is a model's."""
    assert of_signal(signal(ABOUT, provenance=provenance)).annotator == annotator


def test_a_signals_texts_stay_without_content() -> None:
    """Evidence whose name ends in `_text` goes along only with content."""
    found = signal(ABOUT, evidence={"rule": "cue", "said_text": "secret"})
    assert dict(of_signal(found).details)["backtalk.signal.evidence"] == '{"rule":"cue"}'
    assert "secret" in str(dict(of_signal(found, content=True).details)["backtalk.signal.evidence"])


def test_a_key_tells_signals_from_feedback_and_is_the_same_for_a_repeat() -> None:
    """Both count their own ids."""
    assert of_signal(signal(ABOUT, signal_id="7")).key == "signal-7"
    assert Verdict("7", "feedback", "n", "rating", 1, "HUMAN", "7", None).key == "feedback-7"


@pytest.mark.parametrize(
    ("flag", "score", "label", "expected"),
    [
        (False, 0.0, "thumbs_down", False),
        (None, 2.0, "x", 2.0),
        (None, None, "copied", "copied"),
        (None, None, None, "event"),
    ],
)
def test_a_verdict_has_one_value(flag: bool | None, score: float | None, label: str | None, expected: object) -> None:
    """A flag, else a score, else a label, else its kind."""
    verdict = Verdict("7", "feedback", "n", "event", 1, "HUMAN", "7", None, score=score, label=label, flag=flag)
    assert verdict.value == expected
