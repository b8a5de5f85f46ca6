"""Chat completions are understood the same, streamed or not."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.chat import Message, Response, ToolCall, Usage
from backtalk.observe import chat, understand

_STREAM = {"content-type": "text/event-stream"}


def _tool(identity: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


_TOOL: st.SearchStrategy[dict[str, Any]] = st.builds(_tool, st.text(min_size=1), st.text(min_size=1), st.text())
_TEXT: st.SearchStrategy[Any] = st.text()
_MESSAGE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": _TEXT},
    optional={
        "tool_calls": st.lists(_TOOL, max_size=3),
        "refusal": _TEXT,
        "reasoning_content": _TEXT,
        "reasoning": _TEXT,
        "unheard_of": _TEXT,
    },
)


def _chunk(index: int, delta: dict[str, Any], reason: str | None = None) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": reason}
    return b"data: " + json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode() + b"\n\n"


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _deltas(message: dict[str, Any], size: int) -> list[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for key, value in message.items():
        if key == "tool_calls":
            for index, call in enumerate(value):
                head = {"name": call["function"]["name"], "arguments": ""}
                deltas.append({"tool_calls": [{**call, "index": index, "function": head}]})
                deltas += [
                    {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
                    for piece in _pieces(call["function"]["arguments"], size)
                ]
        elif key != "role":
            deltas += [{key: piece} for piece in _pieces(value, size)]
    return deltas


@given(st.lists(_MESSAGE, min_size=1, max_size=3), st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_stream_says_what_the_json_says(messages: list[dict[str, Any]], size: int, random: Any) -> None:
    """Texts, refusals, reasoning, tool calls and unknown fields of several choices, their chunks interleaved."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    choices = [{"index": i, "message": m, "finish_reason": "stop"} for i, m in enumerate(messages)]
    whole = json.dumps({"id": "c", "model": "m", "choices": choices, "usage": usage}).encode()
    queues = [
        [_chunk(i, delta) for delta in _deltas(m, size)] + [_chunk(i, {}, "stop")] for i, m in enumerate(messages)
    ]
    stream = b""
    while queues := [queue for queue in queues if queue]:
        stream += random.choice(queues).pop(0)
    stream += b"data: " + json.dumps({"id": "c", "choices": [], "usage": usage}).encode() + b"\n\ndata: [DONE]\n\n"
    assert understand.response("chat", 200, _STREAM, stream) == understand.response("chat", 200, {}, whole)


def test_a_cut_stream_is_what_reached_the_client() -> None:
    """Half an answer, half a tool call, no finish reason, no usage."""
    stream = (
        _chunk(0, {"role": "assistant", "content": "Hel"})
        + _chunk(0, {"content": "lo"})
        + _chunk(0, {"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": '{"a'}}]})
        + _chunk(0, {"content": " never read"})[:-30]
    )
    found = understand.response("chat", 200, _STREAM, stream)
    assert found.text == "Hello"
    assert found.choices[0].tool_calls == (ToolCall("t", "f", '{"a'),)
    assert found.finish_reasons == ("",)
    assert found.usage is None


def test_an_error_inside_a_stream_is_kept_beside_the_answer() -> None:
    """A provider that fails midway says so in an event."""
    stream = _chunk(0, {"content": "a"}) + b'data: {"error": {"message": "m", "type": "t"}}\n\n'
    found = understand.response("chat", 200, _STREAM, stream)
    assert (found.text, found.error_type, found.error_message) == ("a", "t", "m")


def test_choices_are_in_the_order_of_their_index() -> None:
    """However the server sent them."""
    fields = {"choices": [{"index": 1, "message": {"content": "b"}}, {"index": 0, "message": {"content": "a"}}, "odd"]}
    assert [message.text for message in chat.response(fields).choices] == ["a", "b"]


def test_an_answer_is_understood() -> None:
    """Identity, model, finish reason and usage."""
    fields = {
        "id": "chatcmpl-1",
        "model": "m-2",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
    assert chat.response(fields) == Response(
        "chatcmpl-1", "m-2", (Message("assistant", "a"),), ("length",), Usage(3, 4)
    )
