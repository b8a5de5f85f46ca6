"""What only the call can tell of a feedback."""

import json
from typing import Any

import pytest

from backtalk.ledger.judging import foreign, judge

_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "required": ["city"]}}}
_WANTED = {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object", "required": ["a"]}}}}
_MESSAGES: dict[str, Any] = {
    "answer": {"char_count": 10, "json": None},
    "tools": {"json": json.dumps({"role": "tools", "text": json.dumps([_TOOL])})},
}
_CALL: dict[str, Any] = {"trace_id": "a", "tenant": "t", "answer_ids": ["answer"], "tools_id": "tools"}


def _call_of(name: str, arguments: str) -> dict[str, Any]:
    call = {"function": {"name": name, "arguments": arguments}}
    return {"kind": "correction", "value_json": json.dumps({"role": "assistant", "tool_calls": [call]})}


def _text(text: str) -> dict[str, Any]:
    return {"kind": "correction", "value_json": json.dumps(text)}


@pytest.mark.parametrize(
    ("feedback", "call", "reason"),
    [
        ({"kind": "rating", "choice": 1}, _CALL, "choice_out_of_range"),
        ({"kind": "rating", "choice": 0}, _CALL, None),
        ({"kind": "comment", "span_start": 2, "span_end": 11}, _CALL, "span_out_of_bounds"),
        ({"kind": "comment", "span_start": 2, "span_end": 10}, _CALL, None),
        (_call_of("f", '{"city": "Bern"}'), _CALL, None),
        (_call_of("g", "{}"), _CALL, "tool_not_offered"),
        (_call_of("f", "{}"), _CALL, "tool_arguments_invalid"),
        (_call_of("f", "{"), _CALL, "tool_arguments_invalid"),
        (_call_of("f", "{}"), _CALL | {"tools_id": None}, "tool_not_offered"),
        (_call_of("f", "{}"), _CALL | {"tools_id": "not kept"}, None),
        (_text("no JSON"), _CALL | {"params_json": json.dumps(_WANTED)}, "response_format_broken"),
        (_text("{}"), _CALL | {"params_json": json.dumps(_WANTED)}, "response_format_broken"),
        (_text('{"a": 1}'), _CALL | {"params_json": json.dumps(_WANTED)}, None),
        (_text("no JSON"), _CALL, None),
        ({"kind": "correction", "value_json": None}, _CALL, None),
        ({"kind": "rating", "choice": 5}, _CALL | {"answer_ids": None}, None),
    ],
)
def test_a_feedback_is_held_against_its_call(
    feedback: dict[str, Any], call: dict[str, Any], reason: str | None
) -> None:
    """What cannot be of this call is rejected with a reason; what is not known rejects nothing."""
    found = judge(feedback, call, _MESSAGES)
    assert (found.reason if found else None) == reason


def test_a_sentence_says_what_would_have_been_allowed() -> None:
    """Whoever reads it can send the right thing."""
    found = judge(_call_of("g", "{}"), _CALL, _MESSAGES)
    assert found is not None
    assert found.message == 'the call offered no tool "g"; offered were f'


def test_a_trace_of_another_tenant_alone_is_foreign() -> None:
    """A trace that both have calls in is no one's alone, and one that nobody has is early."""
    mine = {"kind": "rating", "tenant": "u", "trace_id": "a"}
    assert foreign(mine, [_CALL]) is not None
    assert foreign(mine, [_CALL, _CALL | {"tenant": "u"}]) is None
    assert foreign(mine | {"trace_id": "b"}, [_CALL]) is None
    assert foreign({"kind": "rating", "tenant": "u", "response_id": "r"}, [_CALL | {"response_id": "r"}]) is None
