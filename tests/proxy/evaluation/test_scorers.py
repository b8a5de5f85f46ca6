"""What counts as right, scorer by scorer."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.evaluation.scorers import SCORERS, exact, includes, json_schema, normalised, tool_calls
from backtalk.model.chat import Message, ToolCall

SCHEMA = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
TOOLS = json.dumps([{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}])


def said(text: str = "", *calls: tuple[str, str]) -> Message:
    """An assistant's message."""
    return Message("assistant", text, tuple(ToolCall(f"c{n}", *call) for n, call in enumerate(calls)))


@pytest.mark.parametrize(
    ("reference", "answer", "is_exact", "is_included"),
    [
        ("Canberra", " canberra\n", 1.0, 1.0),
        ("Canberra", "The capital is CANBERRA.", 0.0, 1.0),
        ("\ufb01ve  apples", "five apples", 1.0, 1.0),
        ("Stra\u00dfe", "STRASSE", 1.0, 1.0),
        ("Canberra", "Sydney", 0.0, 0.0),
        ("Canberra", "", 0.0, 0.0),
        ("", "anything", None, None),
    ],
)
def test_texts_are_compared_normalised(
    reference: str, answer: str, is_exact: float | None, is_included: float | None
) -> None:
    """Case, width, ligatures and white space do not count; all else does."""
    assert exact(said(reference), said(answer)) == is_exact
    assert includes(said(reference), said(answer)) == is_included


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    """For whatever a stranger wrote; an answer is always its own reference."""
    assert exact(said(text), said(text)) in (1.0, None)
    assert normalised(text) == " ".join(normalised(text).split())


@pytest.mark.parametrize(
    ("answer", "fields", "score"),
    [
        (said('{"city": "Oslo"}'), {"schema": SCHEMA}, 1.0),
        (said('{"town": "Oslo"}'), {"schema": SCHEMA}, 0.0),
        (said("Oslo"), {"schema": SCHEMA}, 0.0),
        (said("Oslo"), {}, None),
        (said("", ("weather", '{"city": "Oslo"}')), {"tools_json": TOOLS}, 1.0),
        (said("", ("weather", '{"city": 3}')), {"tools_json": TOOLS}, 0.0),
        (said("", ("forecast", '{"city": "Oslo"}')), {"tools_json": TOOLS}, 0.0),
        (said("", ("weather", "{")), {"tools_json": TOOLS}, 0.0),
    ],
)
def test_a_schema_is_kept_or_broken(answer: Message, fields: dict[str, Any], score: float | None) -> None:
    """The answer's own, or that of each tool it calls; without either there is nothing to say."""
    assert json_schema(None, answer, **fields) == score


@pytest.mark.parametrize(
    ("calls", "score"),
    [
        ([("a", '{"x": 1, "y": 2}')], 1.0),
        ([("a", '{"y":2,"x":1}')], 1.0),
        ([("a", '{"x": 1}')], 0.0),
        ([("b", '{"x": 1, "y": 2}')], 0.0),
        ([], 0.0),
        ([("a", '{"x": 1, "y": 2}')] * 2, 0.0),
        ([("a", "{")], 0.0),
    ],
)
def test_tool_calls_are_equal_as_values(calls: list[tuple[str, str]], score: float) -> None:
    """Names, order and arguments; ids and the spelling of JSON do not count."""
    assert tool_calls(said("", ("a", '{"x": 1, "y": 2}')), said("text", *calls)) == score
    assert tool_calls(said("text"), said("text")) is None


def test_each_scorer_takes_what_the_host_gives() -> None:
    """All by one call."""
    for scorer in SCORERS.values():
        assert scorer(said("x"), said("x"), tools_json=None, schema=None) in (None, 1.0)
