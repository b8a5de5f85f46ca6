"""What the scripted provider says: pure functions from a request body to JSON bodies and server-sent events.

Answers are deterministic: the same request gets the same text, vectors and tool arguments; only ids differ.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Iterator, Sequence
from typing import Final

from backtalk.testing.behaviour import Behaviour
from backtalk.testing.examples import example
from backtalk.testing.json_values import Json, as_list, as_object

_CREATED: Final = 1_700_000_000
_DIMENSIONS: Final = 8
MODELS: Final = ("scripted", "scripted-embedding")


def chat(body: Json, id_: str, behaviour: Behaviour) -> Json:
    """A `chat.completion`."""
    choices: list[Json] = [
        {"index": i, "message": m, "logprobs": _logprobs(body, m), "finish_reason": _finish(m)}
        for i, m in enumerate(messages_for(body, behaviour))
    ]
    answer: Json = {"id": id_, "object": "chat.completion", "created": _CREATED, "model": model_of(body)}
    answer |= {"choices": choices, "usage": usage(body, choices), "system_fingerprint": "fp_scripted"}
    return answer | ({"x_unknown": {"kept": [1, None, "é"]}} if behaviour.noise else {})


def chat_chunks(body: Json, id_: str, behaviour: Behaviour) -> Iterator[Json]:
    """The `chat.completion.chunk` values of a stream; the usage chunk where it was asked for."""
    head: Json = {"id": id_, "object": "chat.completion.chunk", "created": _CREATED, "model": model_of(body)}
    with_usage = bool(as_object(body.get("stream_options")).get("include_usage"))
    head |= {"system_fingerprint": "fp_scripted"} | ({"usage": None} if with_usage else {})
    messages = messages_for(body, behaviour)
    for index, message in enumerate(messages):
        for delta in _deltas(message, behaviour):
            yield head | {"choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": None}]}
        yield head | {"choices": [{"index": index, "delta": {}, "logprobs": None, "finish_reason": _finish(message)}]}
    if with_usage:
        yield head | {"choices": [], "usage": usage(body, messages)}


def completion(body: Json, id_: str, behaviour: Behaviour) -> Json:
    """A `text_completion`."""
    text = behaviour.text or f"Completion of: {_text(body.get('prompt'))}"
    choices = [
        {"index": i, "text": text, "logprobs": None, "finish_reason": "stop"} for i in range(int(body.get("n") or 1))
    ]
    answer: Json = {"id": id_, "object": "text_completion", "created": _CREATED, "model": model_of(body)}
    return answer | {"choices": choices, "usage": usage(body, choices)}


def completion_chunks(body: Json, id_: str, behaviour: Behaviour) -> Iterator[Json]:
    """The `text_completion` values of a stream."""
    whole = completion(body, id_, behaviour)
    head = {name: value for name, value in whole.items() if name not in {"choices", "usage"}}
    for choice in whole["choices"]:
        for piece in pieces(choice["text"], behaviour.words_per_chunk):
            yield head | {"choices": [choice | {"text": piece, "finish_reason": None}]}
        yield head | {"choices": [choice | {"text": ""}]}


def embeddings(body: Json) -> Json:
    """A list of embeddings, as floats or base64."""
    given = body.get("input")
    many = any(not isinstance(item, int) for item in as_list(given))
    inputs: Sequence[object] = as_list(given) if many else [given]
    size = int(body.get("dimensions") or _DIMENSIONS)
    vectors = [_vector(item, size) for item in inputs]
    as_base64 = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": i, "embedding": _packed(v) if as_base64 else v} for i, v in enumerate(vectors)
    ]
    tokens = sum(_count(item) for item in inputs)
    counts = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model_of(body), "usage": counts}


def models() -> Json:
    """The list of models."""
    return {"object": "list", "data": [model(name) for name in MODELS]}


def model(name: str) -> Json:
    """One model."""
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "backtalk"}


def error(status: int) -> Json:
    """An error body of the shape that providers use."""
    names = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found", 429: "rate_limit_exceeded"}
    kind = names.get(status, "server_error" if status >= 500 else "invalid_request_error")
    message = f"The scripted provider was told to answer {status}."
    return {"error": {"message": message, "type": kind, "param": None, "code": kind}}


def messages_for(body: Json, behaviour: Behaviour) -> list[Json]:
    """One assistant message a choice."""
    return [_message(body, behaviour, index) for index in range(int(body.get("n") or 1))]


def tool_call_for(body: Json, behaviour: Behaviour) -> Json | None:
    """Name and arguments of the tool call that answers `body`: the first tool, unless a tool has just answered."""
    given = behaviour.tool_arguments
    if behaviour.text is not None or (given is None and _has_tool_answered(body)):
        return None
    tools: list[Json] = [as_object(tool.get("function", tool)) for tool in map(as_object, as_list(body.get("tools")))]
    chosen = body.get("tool_choice")
    if not tools or chosen == "none":
        return None
    wanted = as_object(as_object(chosen).get("function", chosen)).get("name")
    tool = next((tool for tool in tools if tool.get("name") == wanted), tools[0])
    return {"name": tool.get("name"), "arguments": given or json.dumps(example(_parameters(tool)))}


def usage(body: Json, choices: object) -> Json:
    """Token counts: words, which is near enough and the same every time."""
    asked, said = _count(body.get("messages") or body.get("prompt") or body.get("input")), _count(choices)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def pieces(text: str, words: int) -> Iterator[str]:
    """Cut a text behind every `words`-th space; the pieces joined are the text."""
    parts = text.split(" ")
    for start in range(0, len(parts), words):
        end = start + words
        yield " ".join(parts[start:end]) + (" " if end < len(parts) else "")


def model_of(body: Json) -> str:
    """The model that was asked for."""
    return str(body.get("model") or MODELS[0])


def last_user_text(body: Json) -> str:
    """The text of the last user message or of a plain input."""
    for message in reversed(_conversation(body)):
        if message.get("role") == "user":
            return _text(message.get("content"))
    return _text(body.get("input"))


def _message(body: Json, behaviour: Behaviour, index: int) -> Json:
    call = tool_call_for(body, behaviour)
    if call is not None:
        id_ = "call_" + hashlib.sha256(f"{index}{call}".encode()).hexdigest()[:24]
        calls = [{"id": id_, "type": "function", "function": call}]
        return {"role": "assistant", "content": None, "refusal": None, "tool_calls": calls}
    return {"role": "assistant", "content": text_for(body, behaviour, index), "refusal": None}


def text_for(body: Json, behaviour: Behaviour, index: int = 0) -> str:
    """The text of choice `index`: the scripted one, a value of the asked schema, or an echo."""
    if behaviour.text is not None:
        return behaviour.text
    asked = _format(body)
    if asked.get("type") == "json_schema":
        return json.dumps(example(as_object(as_object(asked.get("json_schema", asked)).get("schema"))))
    if asked.get("type") == "json_object":
        return json.dumps({"answer": last_user_text(body)})
    suffix = f" (choice {index})" if index else ""
    return f"The scripted provider heard: {last_user_text(body) or 'nothing'}{suffix}"


def _format(body: Json) -> Json:
    """The format that was asked for, wherever the dialect has it."""
    within = as_object(body.get("text") or body.get("output_config"))
    return as_object(body.get("response_format") or within.get("format") or body.get("output_format"))


def _has_tool_answered(body: Json) -> bool:
    conversation = _conversation(body)
    last = conversation[-1] if conversation else as_object(None)
    parts = [as_object(part).get("type") for part in as_list(last.get("content"))]
    return not {last.get("role"), last.get("type"), *parts}.isdisjoint({"tool", "function_call_output", "tool_result"})


def _parameters(tool: Json) -> Json:
    return as_object(tool.get("parameters") or tool.get("input_schema"))


def _deltas(message: Json, behaviour: Behaviour) -> Iterator[Json]:
    yield {"role": "assistant", "content": "" if message["content"] is not None else None, "refusal": None}
    for piece in pieces(message["content"] or "", behaviour.words_per_chunk):
        if piece:
            yield {"content": piece}
    for position, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        opening = {"name": function["name"], "arguments": ""}
        yield {"tool_calls": [{"index": position, "id": call["id"], "type": "function", "function": opening}]}
        for start in range(0, len(function["arguments"]), 7):
            part = function["arguments"][start : start + 7]
            yield {"tool_calls": [{"index": position, "function": {"arguments": part}}]}


def _finish(message: Json) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


def _logprobs(body: Json, message: Json) -> Json | None:
    if not body.get("logprobs") or message["content"] is None:
        return None
    tokens = [
        {"token": piece, "logprob": -0.5, "bytes": list(piece.encode()), "top_logprobs": []}
        for piece in pieces(message["content"], 1)
    ]
    return {"content": tokens, "refusal": None}


def _conversation(body: Json) -> list[Json]:
    return [as_object(item) for item in as_list(body.get("messages") or body.get("input"))]


def _text(content: object) -> str:
    if parts := as_list(content):
        return " ".join(_text(as_object(part).get("text", part)) for part in parts)
    return content if isinstance(content, str) else ("" if content is None else json.dumps(content))


def _vector(item: object, size: int) -> list[float]:
    seed = hashlib.shake_256(json.dumps(item).encode()).digest(2 * size)
    return [value / 32_768 for value in struct.unpack(f"<{size}h", seed)]


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _count(value: object) -> int:
    return len(json.dumps(value).split())
