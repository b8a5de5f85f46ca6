"""Answers that did not deliver and tools that went wrong are seen as they pass, by nothing but their own content."""

import json

import msgspec
import pytest

from backtalk.model.chat import Message, Response, ToolCall
from backtalk.testing import factories
from backtalk.testing.dialogue import Dialogue, Stage

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = json.dumps([{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}])
FORMAT = json.dumps({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}})


def ends(response: Response, *, status: int = 200, history: tuple[Message, ...] = (), params: str = "{}") -> list[str]:
    """The kinds that one call shows of its own answer, through the whole decision."""
    stage = Stage()
    call = factories.opened("What is the weather in Turin?", *history, tools_json=TOOLS)
    call = msgspec.structs.replace(call, request=msgspec.structs.replace(call.request, params_json=params))
    stage.open(call)
    stage.wait(2)
    stage.close(factories.closed(call, response=response, status=status, after_s=2))
    return [signal.kind for signal in stage.signals if signal.about == call.key]


def says(text: str, reason: str = "stop", **message: object) -> Response:
    """An answer with its reason to end."""
    return Response(
        choices=(msgspec.convert({"role": "assistant", "text": text, **message}, Message),), finish_reasons=(reason,)
    )


def calls(*arguments: str) -> Response:
    """An answer that calls the tool."""
    made = tuple(ToolCall(f"call_{number}", "weather", text) for number, text in enumerate(arguments))
    return Response(choices=(Message("assistant", "", tool_calls=made),), finish_reasons=("tool_calls",))


def steps(*made: tuple[str, str]) -> tuple[Message, ...]:
    """Earlier steps: arguments and what came of them."""
    found: list[Message] = []
    for number, (arguments, result) in enumerate(made):
        call = ToolCall(f"step_{number}", "weather", arguments)
        found += [factories.assistant_calls(call), factories.tool_result(call, result)]
    return tuple(found)


TURIN = '{"city": "Turin"}'


@pytest.mark.parametrize(
    ("kind", "response", "more"),
    [
        ("refusal", says("", refusal="I cannot help with that."), {}),
        ("refusal", says("I'm sorry, but I can't help with that request."), {}),
        ("empty_answer", says("   "), {}),
        ("exhaustion", says("It is sun", "length"), {}),
        ("exhaustion", Response(error_type="rate_limit", error_message="slow down"), {"status": 429}),
        ("exhaustion", Response(error_message="this model's maximum context length is 8192"), {"status": 400}),
        ("invalid_tool_arguments", calls('{"city": "Turin'), {}),
        ("tool_schema_violation", calls('{"town": "Turin"}'), {}),
        ("invalid_structured_output", says("It is sunny."), {"params": FORMAT}),
        ("tool_error_repeated", calls(TURIN), {"history": steps((TURIN, "Error: no such station"))}),
        (
            "parameter_drift",
            calls('{"city": "Torino IT"}'),
            {"history": steps(*((f'{{"city": "{name}"}}', "Error: unknown") for name in ("Turin", "Torino", "TRN")))},
        ),
        ("tool_loop", calls(TURIN), {"history": steps((TURIN, "sunny"), (TURIN, "sunny"), (TURIN, "sunny"))}),
    ],
)
def test_an_answer_that_fails_says_so_itself(kind: str, response: Response, more: dict[str, object]) -> None:
    """The signal is about the call that shows it."""
    assert kind in ends(response, **more)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] -- a table's columns


def test_an_answer_that_delivers_shows_nothing() -> None:
    """In words, by a tool, or as the JSON that was asked for."""
    assert ends(says("It is sunny in Turin today.")) == []
    assert ends(calls(TURIN)) == []
    assert ends(says(TURIN), params=FORMAT) == []


def test_one_apology_after_another() -> None:
    """The model says sorry again, and delivers as little."""
    stage = Stage()
    chat = Dialogue(stage)
    questions = ("How do tides work?", "And on a lake?", "And in a bath?")
    answers = [chat.says(each, answer="I apologize for the confusion. Let me look once more.") for each in questions]
    loops = [signal for signal in stage.signals if signal.kind == "apology_loop"]
    assert [signal.evidence["in_a_row"] for signal in loops] == [2, 3]
    assert [signal.about for signal in loops] == answers[1:]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Let me talk to a human.", "escalation"),
        ("I don't understand. What do you mean?", "clarification"),
        ("Wie funktionieren die Gezeiten an einem See und nicht am Meer?", "language_switch"),
    ],
)
def test_what_a_next_turn_shows(text: str, kind: str) -> None:
    """About the answer before it."""
    stage = Stage()
    chat = Dialogue(stage)
    about = chat.says(
        "How do the tides work on the coast of the sea?", answer="The moon pulls at the water of the sea."
    )
    chat.says(text)
    assert (kind, about) in [(signal.kind, signal.about) for signal in stage.signals]
