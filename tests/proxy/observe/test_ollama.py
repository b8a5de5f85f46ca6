"""Ollama's own API has the shape of any other conversation."""

import json
from typing import Any

from backtalk.model.chat import Message, Response, TokenLogprob, ToolCall, Usage
from backtalk.observe import understand

_LINES = {"content-type": "application/x-ndjson"}
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
_END = {"done": True, "done_reason": "stop", "prompt_eval_count": 4, "eval_count": 2}


def _lines(*lines: dict[str, Any]) -> bytes:
    return b"".join(json.dumps({"model": "llama", **line}).encode() + b"\n" for line in lines)


def test_a_chat_streams_unless_told_not_to() -> None:
    """Messages as in chat, tools and their results too."""
    call = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    turns = [
        {"role": "user", "content": "hi", "images": [_PNG]},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "rain", "tool_name": "weather"},
    ]
    body = {"model": "llama", "messages": turns, "options": {"seed": 1}}
    found = understand.request("ollama_chat", json.dumps(body).encode(), {})
    assert found.stream
    assert [message.role for message in found.messages] == ["user", "assistant", "tool"]
    assert (found.messages[0].text, found.messages[0].media[0].kind) == ("hi", "image")
    assert _PNG not in (found.messages[0].canonical or "")
    assert found.messages[1].tool_calls == (ToolCall("", "weather", '{"city":"Oslo"}'),)
    assert found.messages[2].tool_call_id == "weather"
    assert found.params_json == '{"options":{"seed":1}}'
    quiet = understand.request("ollama_chat", json.dumps({**body, "stream": False}).encode(), {})
    assert not quiet.stream


def test_a_stream_of_lines_is_the_answer_it_would_have_been() -> None:
    """Text, thoughts, logprobs and counts; the reason is in chat's words."""
    whole = {
        "model": "llama",
        "message": {"role": "assistant", "content": "Hello there", "thinking": "hm"},
        "logprobs": [{"token": "Hello", "logprob": -0.5}],
        **_END,
    }
    streamed = _lines(
        {"message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": False},
        {
            "message": {"role": "assistant", "content": "Hello"},
            "done": False,
            "logprobs": [{"token": "Hello", "logprob": -0.5}],
        },
        {"message": {"role": "assistant", "content": " there"}, "done": False},
        {"message": {"role": "assistant", "content": ""}, **_END},
    )
    found = understand.response("ollama_chat", 200, _LINES, streamed)
    assert found == understand.response("ollama_chat", 200, {}, json.dumps(whole).encode())
    assert (found.text, found.choices[0].reasoning) == ("Hello there", "hm")
    assert (found.finish_reasons, found.usage) == (("stop",), Usage(4, 2))
    assert found.logprobs == ((TokenLogprob("Hello", -0.5),),)


def test_a_stream_that_was_cut_gives_what_came() -> None:
    """The last line may be torn."""
    body = _lines({"message": {"role": "assistant", "content": "Hel"}, "done": False}) + b'{"model": "lla'
    found = understand.response("ollama_chat", 200, _LINES, body)
    assert (found.text, found.finish_reasons, found.not_understood) == ("Hel", ("",), None)


def test_generate_is_a_prompt_and_its_continuation() -> None:
    """The system prompt goes before it."""
    body = {"model": "llama", "prompt": "hi", "system": "Be brief.", "context": [1, 2]}
    found = understand.request("ollama_generate", json.dumps(body).encode(), {})
    assert found.messages == (Message("system", "Be brief."), Message("user", "hi"))
    assert found.params_json == "{}"
    streamed = _lines({"response": "Hel", "done": False}, {"response": "lo", **_END, "context": [1]})
    answer = understand.response("ollama_generate", 200, _LINES, streamed)
    assert answer == Response(None, "llama", (Message("assistant", "Hello"),), ("stop",), Usage(4, 2))


def test_an_error_is_a_text() -> None:
    """So does Ollama say it, in a stream as well."""
    body = b'{"error": "model not found"}'
    assert understand.response("ollama_chat", 404, {}, body).error_message == "model not found"
    assert understand.response("ollama_chat", 200, _LINES, body + b"\n").error_message == "model not found"


def test_an_embedding_has_its_model_only() -> None:
    """The vectors are not kept."""
    assert understand.response("ollama_embed", 200, {}, b'{"model":"e","embeddings":[[0.1]]}') == Response(model="e")
