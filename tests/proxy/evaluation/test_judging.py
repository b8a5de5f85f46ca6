"""What the judge is told, and what of its replies is believed."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import RequestError
from backtalk.evaluation.judging import BUILT_IN, JudgePrompt, asked, load_prompt, verdict
from backtalk.model.chat import Message


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ('{"verdict": "correct"}', 1.0),
        ('\n {"verdict":"partly"} \n', 0.5),
        ('{"verdict": "wrong"}', 0.0),
        ('{"verdict": "Correct"}', None),
        ('{"verdict": "correct", "why": "x"}', None),
        ('```json\n{"verdict": "correct"}\n```', None),
        ("correct", None),
        ("", None),
    ],
)
def test_only_a_verdict_in_its_form_counts(reply: str, score: float | None) -> None:
    """Anything else is unparsable, never a guess."""
    assert verdict(reply) == score


@given(st.text())
def test_no_text_of_a_stranger_is_a_verdict_by_chance(text: str) -> None:
    """Nor does it raise."""
    assert verdict(text) is None or "verdict" in text


@given(st.text(), st.text())
def test_the_texts_travel_as_data(attack: str, reference: str) -> None:
    """In one message of JSON, beside the instructions, whatever they say."""
    system, user = asked(BUILT_IN, (Message("user", attack),), reference, attack)
    assert set(json.loads(user["content"])) == {"conversation", "reference", "answer"}
    assert json.loads(user["content"])["answer"] == attack
    assert system == asked(BUILT_IN, (), "", "")[0]


def test_another_word_is_another_prompt(tmp_path: Path) -> None:
    """By its hash; the version is for people."""
    file = tmp_path / "strict-2.txt"
    file.write_text("Be strict.\n", encoding="utf-8")
    assert load_prompt(file) == JudgePrompt("strict-2", "Be strict.")
    assert load_prompt(None) is BUILT_IN
    assert load_prompt(file).sha256 != BUILT_IN.sha256
    assert JudgePrompt("renamed", "Be strict.").sha256 == load_prompt(file).sha256


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff", b"x" * 70_000, None])
def test_a_prompt_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """Before anything is asked."""
    file = tmp_path / "prompt.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(RequestError, match="the judge's prompt"):
        load_prompt(file)
