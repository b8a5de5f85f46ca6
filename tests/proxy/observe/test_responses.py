"""The responses API is understood in the words of a chat."""

import json
from typing import Any

from backtalk.model.chat import Message, ToolCall, Usage
from backtalk.observe import responses, understand

_STREAM = {"content-type": "text/event-stream"}
_ITEMS: list[dict[str, Any]] = [
    {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "think"}]},
    {
        "type": "message",
        "id": "m",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
    },
    {"type": "function_call", "id": "f", "call_id": "call", "name": "f", "arguments": "{}"},
]
_WHOLE: dict[str, Any] = {
    "id": "resp_1",
    "model": "m",
    "status": "completed",
    "output": _ITEMS,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


def _stream(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


_BEGINNING: tuple[dict[str, Any], ...] = (
    {"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "r", "summary": []}},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "thi"},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "nk"},
    {"type": "response.output_item.done", "output_index": 0, "item": _ITEMS[0]},
    {
        "type": "response.output_item.added",
        "output_index": 1,
        "item": {"type": "message", "id": "m", "role": "assistant", "content": []},
    },
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Hel"},
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "lo"},
)


def test_a_run_of_items_is_one_message() -> None:
    """Reasoning, text and tool calls of one answer stand in one assistant message."""
    found = responses.response(_WHOLE)
    answer = found.choices[0]
    assert (answer.role, answer.text, answer.reasoning) == ("assistant", "Hello", "think")
    assert answer.tool_calls == (ToolCall("call", "f", "{}"),)
    assert (found.id, found.model, found.usage) == ("resp_1", "m", Usage(1, 2))
    assert found.finish_reasons == ("tool_calls",)


def test_items_sent_back_are_the_message_they_were() -> None:
    """An answer is recognised in the next request, and the tool's answer follows it."""
    back = [
        {"role": "user", "content": "hi"},
        *_ITEMS,
        {"type": "function_call_output", "call_id": "call", "output": "4"},
    ]
    found = responses.request_messages({"instructions": "Be kind.", "input": back})
    assert found is not None
    assert [message.role for message in found] == ["system", "user", "assistant", "tool"]
    assert found[2] == responses.response(_WHOLE).choices[0]
    assert (found[3].text, found[3].tool_call_id) == ("4", "call")


def test_input_may_be_one_text() -> None:
    """The shortest request there is."""
    assert responses.request_messages({"input": "hi"}) == (Message("user", "hi"),)


def test_a_whole_stream_is_its_last_response_object() -> None:
    """The completed event holds everything."""
    stream = _stream(*_BEGINNING, {"type": "response.completed", "response": _WHOLE})
    assert understand.response("responses", 200, _STREAM, stream) == responses.response(_WHOLE)


def test_a_cut_stream_is_what_reached_the_client() -> None:
    """Deltas count as far as they came."""
    found = understand.response("responses", 200, _STREAM, _stream(*_BEGINNING))
    assert (found.id, found.text, found.choices[0].reasoning) == ("resp_1", "Hello", "think")
    assert found.finish_reasons == ("",)


def test_arguments_and_refusals_grow_too() -> None:
    """Every kind of delta finds its item, with or without the event that announced it."""
    found = responses.assemble(
        [
            {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{"},
            {"type": "response.output_item.added", "output_index": 0, "item": {**_ITEMS[2], "arguments": ""}},
            {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "[]"},
            {"type": "response.refusal.delta", "output_index": 2, "content_index": 0, "delta": "no"},
        ]
    )
    answer = responses.response(found).choices[0]
    assert answer.tool_calls == (ToolCall("call", "f", "[]"),)
    assert answer.refusal == "no"


def test_a_failed_response_is_an_error() -> None:
    """The error event, and the error within the response object."""
    found = understand.response("responses", 200, _STREAM, _stream({"type": "error", "code": "c", "message": "m"}))
    assert (found.error_type, found.error_message) == ("error", "m")
    failed = responses.response({"status": "failed", "error": {"code": "server_error", "message": "m"}})
    assert (failed.error_type, failed.error_message) == ("server_error", "m")


def test_an_incomplete_response_ended_for_length() -> None:
    """The reason is in the words of chat completions."""
    incomplete = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": _ITEMS[:2]}
    assert responses.response(incomplete).finish_reasons == ("length",)
