"""The Responses API of the scripted provider: one response object, or the events of its stream."""

from collections.abc import Iterator
from typing import Final

from backtalk.testing import answers
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.json_values import Json

_CREATED: Final = 1_700_000_000


def response(body: Json, id_: str, behaviour: Behaviour) -> Json:
    """A completed `response` object."""
    item = _item(body, id_, behaviour)
    counts = answers.usage(body, item)
    usage = {
        "input_tokens": counts["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": counts["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": counts["total_tokens"],
    }
    return _shell(body, id_) | {"status": "completed", "output": [item], "usage": usage}


def response_events(body: Json, id_: str, behaviour: Behaviour) -> Iterator[tuple[str, Json]]:
    """The events of a stream as (type, value), numbered in order."""
    for number, (kind, value) in enumerate(_events(body, id_, behaviour)):
        yield kind, {"type": kind, "sequence_number": number} | value


def _events(body: Json, id_: str, behaviour: Behaviour) -> Iterator[tuple[str, Json]]:
    done = response(body, id_, behaviour)
    item = done["output"][0]
    begun: Json = _shell(body, id_) | {"status": "in_progress", "output": []}
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    if item["type"] == "message":
        yield from _text_events(item, behaviour)
    else:
        yield from _call_events(item)
    yield "response.output_item.done", {"output_index": 0, "item": item}
    yield "response.completed", {"response": done}


def _text_events(item: Json, behaviour: Behaviour) -> Iterator[tuple[str, Json]]:
    part = item["content"][0]
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    empty: Json = item | {"status": "in_progress", "content": []}
    yield "response.output_item.added", {"output_index": 0, "item": empty}
    yield "response.content_part.added", place | {"part": part | {"text": ""}}
    for piece in answers.pieces(part["text"], behaviour.words_per_chunk):
        yield "response.output_text.delta", place | {"delta": piece, "logprobs": []}
    yield "response.output_text.done", place | {"text": part["text"], "logprobs": []}
    yield "response.content_part.done", place | {"part": part}


def _call_events(item: Json) -> Iterator[tuple[str, Json]]:
    place = {"item_id": item["id"], "output_index": 0}
    empty = item | {"status": "in_progress", "arguments": ""}
    yield "response.output_item.added", {"output_index": 0, "item": empty}
    yield "response.function_call_arguments.delta", place | {"delta": item["arguments"]}
    yield "response.function_call_arguments.done", place | {"arguments": item["arguments"], "name": item["name"]}


def _item(body: Json, id_: str, behaviour: Behaviour) -> Json:
    suffix = id_.removeprefix("resp_")
    call = answers.tool_call_for(body, behaviour)
    if call is not None:
        item: Json = {"id": f"fc_{suffix}", "type": "function_call", "status": "completed"}
        return item | {"call_id": f"call_{suffix}"} | call
    part: Json = {"type": "output_text", "text": answers.text_for(body, behaviour), "annotations": [], "logprobs": []}
    message: Json = {"id": f"msg_{suffix}", "type": "message", "status": "completed", "role": "assistant"}
    return message | {"content": [part]}


def _shell(body: Json, id_: str) -> Json:
    shell: Json = {"id": id_, "object": "response", "created_at": _CREATED, "model": answers.model_of(body)}
    shell |= {"error": None, "incomplete_details": None, "instructions": body.get("instructions"), "metadata": {}}
    shell |= {"parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0, "tool_choice": "auto", "usage": None}
    return shell | {"tools": body.get("tools") or [], "previous_response_id": body.get("previous_response_id")}
