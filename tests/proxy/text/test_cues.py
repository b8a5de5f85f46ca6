"""Cues: what people say of an answer, in twenty languages, and what only looks like it."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.text import cues as room
from backtalk.text.cues import CueKind, cues

LEXICON = tomllib.loads((Path(room.__file__).parent / "cues.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("No, that's wrong.", "correction"),
        ("Thats not what I asked", "correction"),
        ("you didn\u2019t include the imports", "correction"),
        ("Ok, thanks!", "acceptance"),
        ("What do you mean?", "clarification"),
        ("I want to talk to a human", "escalation"),
        ("please continue", "more"),
        ("Das stimmt nicht.", "correction"),
        ("Non, ce n'est pas ça", "correction"),
        ("¡Muchas gracias!", "acceptance"),
        ("не работает", "correction"),
        ("不对 我问的是另一个", "correction"),
        ("ありがとうございます", "acceptance"),
        ("틀렸어요", "correction"),
        ("شكرا جزيلا", "acceptance"),
        ("यह गलत है", "correction"),
    ],
)
def test_what_people_say_is_found(text: str, kind: CueKind) -> None:
    """With or without marks and apostrophes."""
    assert kind in {cue.kind for cue in cues(text)}


@pytest.mark.parametrize(
    "text",
    [
        "How do I say thank you in Japanese?",
        "Write a complaint letter: the heater doesn't work.",
        "Explain why perpetual motion doesn't work.",
        "What is wrong with this code?",
        "List the first four perfect numbers",
        "请写一封感谢信 说明为什么产品错了",
    ],
)
def test_a_task_about_such_words_says_nothing_of_the_answer(text: str) -> None:
    """The cue stands inside of what is asked for."""
    assert {cue.kind for cue in cues(text)} & {"correction", "acceptance"} == set()


def test_the_middle_of_a_long_text_is_not_looked_at() -> None:
    """Pasted text says many things."""
    filler = "the quick brown fox jumps over lazy dogs near quiet rivers " * 10
    assert cues(f"{filler} that's wrong {filler}") == ()


@pytest.mark.parametrize("name", sorted(set(LEXICON) - {"words"}))
def test_every_language_finds_its_own_phrases(name: str) -> None:
    """A phrase that could never fire would be dead weight."""
    dead = [
        (kind, phrase)
        for kind, phrases in LEXICON[name].items()
        for phrase in phrases
        if kind not in {cue.kind for cue in cues(phrase.lstrip("^="))}
    ]
    assert dead == []


@given(st.text(max_size=300))
def test_any_text_can_be_looked_at(text: str) -> None:
    """Whatever is typed."""
    assert isinstance(cues(text), tuple)
