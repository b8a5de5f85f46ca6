"""Prompts, answers and samples for tests, with only the fields that matter spelled out."""

from pathlib import Path
from typing import Any, cast

import arro3.io

from backtalk.model.chat import Message
from backtalk.plugin import Answer, Evidence, Prompt, Reason, Replacement, Sample
from backtalk.testing import stories

ASKED = Message("user", "Why is the sky blue?")


def said(text: str) -> Message:
    """An answer's message."""
    return Message("assistant", text)


def thumb(up: bool, name: str = "fb-1") -> Evidence:
    """A rating."""
    return Evidence("feedback", name, "rating", 1.4 if up else -2.3, up, "end_user")


def an_answer(text: str, *evidence: Evidence, **fields: Any) -> Answer:
    """An answer with what is known of it."""
    plain: dict[str, Any] = {"key": stories.a_key(), "opened_ns": stories.NOON_NS, "model": "small"}
    return Answer(message=said(text), evidence=evidence, **(plain | fields))


def corrected(text: str, name: str = "fb-1") -> Replacement:
    """A correction."""
    return Replacement("feedback", name, said(text))


def edited(text: str, name: str = "sig-1", probability: float = 0.9) -> Replacement:
    """An edit."""
    return Replacement("signal", name, said(text), probability, stories.a_key())


def a_prompt(*answers: Answer, **fields: Any) -> Prompt:
    """A prompt with its answers."""
    plain: dict[str, Any] = {"messages": (ASKED,), "tools_json": None}
    return Prompt(answers=answers, **(plain | fields))


def a_sample(kind: Any = "preference", **fields: Any) -> Sample:
    """A sample of a correction."""
    plain: dict[str, Any] = {
        "prompt": (ASKED,), "reasons": (Reason("feedback", "fb-1", "correction", 1.0),), "calls": (stories.a_key(),),
        "completion": said("It scatters."),
    }  # fmt: skip
    if kind == "preference":
        plain |= {"rejected": said("Magic."), "margin": 1.5}
    if kind == "eval_case":
        plain |= {"reference": said("It scatters."), "completion": said("Magic."), "tag": "failed"}
    if kind == "unpaired_preference":
        plain |= {"label": True}
    return Sample(kind, **(plain | fields))


def parquet_columns(file: Path) -> dict[str, list[Any]]:
    """The columns of a Parquet file."""
    table = cast("Any", arro3.io.read_parquet(file).read_all())
    return {name: table.column(name).to_pylist() for name in table.column_names}
