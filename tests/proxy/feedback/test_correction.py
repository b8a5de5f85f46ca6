"""Corrections: a text, or an assistant message whose form datasets can rest on."""

from typing import Any

import pytest

from backtalk.errors import RequestError
from backtalk.feedback.correction import correction

_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    "value",
    [
        "Canberra",
        {"role": "assistant", "content": "Canberra"},
        {"role": "assistant", "content": [{"type": "text", "text": "Canberra"}]},
        {"role": "assistant", "content": None, "tool_calls": [_CALL]},
        {"role": "assistant", "tool_calls": [_CALL], "x_provider": {"kept": True}},
    ],
)
def test_texts_and_messages_come_through_unchanged(value: str | dict[str, Any]) -> None:
    """Unknown fields of a message stay, as clients send back what they got."""
    assert correction(value) == value


@pytest.mark.parametrize(
    ("value", "param"),
    [
        (" ", "value"),
        ({"content": "x"}, "value.role"),
        ({"role": "user", "content": "x"}, "value.role"),
        ({"role": "assistant"}, "value"),
        ({"role": "assistant", "content": ""}, "value"),
        ({"role": "assistant", "content": 4}, "value.content"),
        ({"role": "assistant", "content": ["x"]}, "value.content.0"),
        ({"role": "assistant", "tool_calls": {}}, "value.tool_calls"),
        (
            {"role": "assistant", "tool_calls": [_CALL, {"function": {"name": "f", "arguments": 1}}]},
            "value.tool_calls.1",
        ),
        ({"role": "assistant", "tool_calls": ["x"]}, "value.tool_calls.0"),
    ],
)
def test_a_wrong_part_is_named(value: str | dict[str, Any], param: str) -> None:
    """The error's param points into the message."""
    with pytest.raises(RequestError) as caught:
        correction(value)
    assert caught.value.param == param
