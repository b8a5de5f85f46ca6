"""The Anthropic Messages API of the scripted provider: one message, the events of its stream, or a count of tokens."""

import hashlib
import json
from collections.abc import Iterator
from typing import Final

from backtalk.testing import answers
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.json_values import Json

_PART_CHARS: Final = 7
_ERRORS: Final = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    413: "request_too_large", 429: "rate_limit_error", 529: "overloaded_error",
}  # fmt: skip


def message(body: Json, id_: str, behaviour: Behaviour) -> Json:
    """A whole `message`."""
    block = _block(body, behaviour)
    reason = "tool_use" if block["type"] == "tool_use" else "end_turn"
    ends = {"stop_reason": reason, "stop_sequence": None, "usage": _usage(body, block)}
    return _shell(body, id_) | {"content": [block]} | ends


def message_events(body: Json, id_: str, behaviour: Behaviour) -> Iterator[tuple[str, Json]]:
    """The events of a stream as (type, value)."""
    for kind, value in _events(body, id_, behaviour):
        yield kind, {"type": kind} | value


def count_tokens(body: Json) -> Json:
    """What `count_tokens` answers."""
    return {"input_tokens": answers.usage(body, "")["prompt_tokens"]}


def error(status: int) -> Json:
    """An error body of Anthropic's shape."""
    kind = _ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": answers.error(status)["error"]["message"]}}


def _events(body: Json, id_: str, behaviour: Behaviour) -> Iterator[tuple[str, Json]]:
    whole = message(body, id_, behaviour)
    block = whole["content"][0]
    begun: Json = whole | {"content": [], "stop_reason": None, "usage": whole["usage"] | {"output_tokens": 1}}
    yield "message_start", {"message": begun}
    yield "content_block_start", {"index": 0, "content_block": block | _empty(block)}
    yield "ping", {}
    for delta in _deltas(block, behaviour):
        yield "content_block_delta", {"index": 0, "delta": delta}
    yield "content_block_stop", {"index": 0}
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"delta": end, "usage": {"output_tokens": whole["usage"]["output_tokens"]}}
    yield "message_stop", {}


def _block(body: Json, behaviour: Behaviour) -> Json:
    call = answers.tool_call_for(body, behaviour)
    if call is None:
        return {"type": "text", "text": answers.text_for(body, behaviour)}
    id_ = "toolu_" + hashlib.sha256(f"{call}".encode()).hexdigest()[:24]
    return {"type": "tool_use", "id": id_, "name": call["name"], "input": json.loads(call["arguments"])}


def _empty(block: Json) -> Json:
    return {"text": ""} if block["type"] == "text" else {"input": {}}


def _deltas(block: Json, behaviour: Behaviour) -> Iterator[Json]:
    if block["type"] == "text":
        for piece in answers.pieces(block["text"], behaviour.words_per_chunk):
            yield {"type": "text_delta", "text": piece}
        return
    arguments = json.dumps(block["input"])
    for start in range(0, len(arguments), _PART_CHARS):
        yield {"type": "input_json_delta", "partial_json": arguments[start : start + _PART_CHARS]}


def _usage(body: Json, block: Json) -> Json:
    counts = answers.usage(body, block)
    cached = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"input_tokens": counts["prompt_tokens"], "output_tokens": counts["completion_tokens"]} | cached


def _shell(body: Json, id_: str) -> Json:
    return {"id": id_, "type": "message", "role": "assistant", "model": answers.model_of(body)}
