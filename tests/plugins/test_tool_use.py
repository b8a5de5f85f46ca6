"""The tool-use detector: arguments, errors, loops and answers that were to be JSON."""

import json

import msgspec
import pytest

from backtalk.model.chat import Message, ToolCall
from backtalk.model.facts import CallClosed
from backtalk.testing import factories
from backtalk.testing.conformance import check_detector
from backtalk_tool_use import ToolUse

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = json.dumps([{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}])


def test_it_conforms() -> None:
    """Loads, is pure, survives odd facts, claims within bounds, is quick."""
    check_detector(ToolUse)


def ended(*calls: ToolCall, run: tuple[Message, ...] = (), text: str = "", params: object = None) -> CallClosed:
    """A call whose answer calls tools, after a run of steps."""
    opened = factories.opened("What is the weather?", *run)
    request = msgspec.structs.replace(opened.request, tools_json=TOOLS, params_json=json.dumps(params or {}))
    fact = factories.closed(msgspec.structs.replace(opened, request=request), text)
    answer = Message("assistant", text, tool_calls=calls)
    return msgspec.structs.replace(fact, response=msgspec.structs.replace(fact.response, choices=(answer,)))


def kinds(fact: CallClosed) -> list[str]:
    """What is claimed."""
    return [signal.kind for signal in ToolUse().observe(fact, factories.view())]


def step(arguments: str, result: str, number: int) -> tuple[Message, Message]:
    """A tool call and what it gave."""
    call = ToolCall(f"call_{number}", "weather", arguments)
    return factories.assistant_calls(call), factories.tool_result(call, result)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ('{"city": "Rome"', "invalid_tool_arguments"),
        ("{}", "tool_schema_violation"),
        ('{"city": 7}', "tool_schema_violation"),
        ('{"city": "Rome", "unit": "K"}', "tool_schema_violation"),
        ('{"city": "Rome", "planet": "Mars"}', "tool_schema_violation"),
    ],
)
def test_arguments_that_no_tool_would_take_are_claimed(arguments: str, kind: str) -> None:
    """With the tool's name, never a value."""
    [signal] = ToolUse().observe(ended(ToolCall("1", "weather", arguments)), factories.view())
    assert (signal.kind, signal.evidence["tool"]) == (kind, "weather")
    assert "Rome" not in str(signal.evidence)


def test_good_arguments_and_unknown_tools() -> None:
    """A tool that was not offered cannot be called."""
    assert kinds(ended(ToolCall("1", "weather", '{"city": "Rome", "days": 2}'))) == []
    assert kinds(ended(ToolCall("1", "stocks", "{}"))) == ["tool_schema_violation"]


def test_the_same_call_after_an_error_is_claimed() -> None:
    """It will give the same error."""
    run = step('{"city": "Rome"}', "Error: no such city", 1)
    assert kinds(ended(ToolCall("9", "weather", '{"city": "Rome"}'), run=run)) == ["tool_error_repeated"]
    good = step('{"city": "Rome"}', "21 degrees", 1)
    assert kinds(ended(ToolCall("9", "weather", '{"city": "Rome"}'), run=good)) == []


def test_the_third_time_the_same_is_a_loop() -> None:
    """Whatever the order of the keys."""
    run = (*step('{"city": "Rome", "days": 1}', "21", 1), *step('{"days": 1, "city": "Rome"}', "21", 2))
    assert kinds(ended(ToolCall("9", "weather", '{"city": "Rome", "days": 1}'), run=run)) == ["tool_loop"]


def test_ever_other_arguments_after_errors_are_drift() -> None:
    """A search in the dark."""
    run = tuple(part for n in range(3) for part in step(json.dumps({"city": f"Rome {n}"}), "error: not found", n))
    assert "parameter_drift" in kinds(ended(ToolCall("9", "weather", '{"city": "Roma"}'), run=run))


def test_an_answer_that_was_to_be_json_and_is_none_is_claimed() -> None:
    """Or that breaks the schema that was asked for."""
    wanted = {"response_format": {"type": "json_schema", "json_schema": {"schema": PARAMETERS}}}
    assert kinds(ended(text="It is sunny", params=wanted)) == ["invalid_structured_output"]
    assert kinds(ended(text='{"days": 1}', params=wanted)) == ["invalid_structured_output"]
    assert kinds(ended(text='{"city": "Rome"}', params=wanted)) == []
    assert kinds(ended(text="It is sunny")) == []
