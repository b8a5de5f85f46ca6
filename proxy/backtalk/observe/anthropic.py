"""Anthropic's messages: a request, a JSON answer or a stream of events goes in; `model.chat` values come out.

`system` is a system message of its own, each `tool_result` a tool message, and what else is in a user turn a user
message, so that one conversation has one shape in every dialect. Finish reasons are in the words of chat completions.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from backtalk.model.chat import Citation, Message, Response, ToolCall, Usage
from backtalk.observe.lenient_json import canonical, is_array, is_object, parse
from backtalk.observe.media import without_bytes
from backtalk.observe.merge import Growing
from backtalk.observe.messages import attachments_of, citations_of, count_of, error_of, text_of

_FINISH: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
_SPOKEN: Final = frozenset({"text", "tool_use"}) | _THOUGHTS
_DELTAS: Final[Mapping[str, str]] = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}
"""Delta type -> the field that carries its text, which is also the block's (`partial_json` becomes `input`)."""


def request_messages(fields: dict[str, Any]) -> tuple[Message, ...] | None:
    """The system prompt, then the conversation; None where `messages` is no array."""
    listed, system = fields.get("messages"), fields.get("system")
    if not is_array(listed):
        return None
    head = (Message(role="system", text=text_of(system)),) if system else ()
    return (*head, *(message for raw in listed for message in _messages(raw)))


def response(fields: dict[str, Any]) -> Response:
    """Understand a `message` object."""
    identity, model, reason = fields.get("id"), fields.get("model"), fields.get("stop_reason")
    kind, why = error_of(fields) if fields.get("error") else (None, None)
    blocks = fields.get("content")
    answered = is_array(blocks) and (bool(blocks) or isinstance(reason, str))
    return Response(
        id=identity if isinstance(identity, str) else None,
        model=model if isinstance(model, str) else None,
        choices=(_assistant(blocks if is_array(blocks) else []),) if answered else (),
        finish_reasons=(_FINISH.get(reason, reason) if isinstance(reason, str) else "",) if answered else (),
        usage=usage_of(fields.get("usage")),
        error_type=kind,
        error_message=why,
    )


def assemble(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Put the events of a stream together into the message that it would have been."""
    whole: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    blocks: dict[int, Growing] = {}
    for event in events:
        if is_object(message := event.get("message")):
            whole = {**message}
            _update(usage, message.get("usage"))
        if event.get("error"):
            whole["error"] = event["error"]
        if isinstance(index := event.get("index"), int):
            _take_block(blocks, index, event)
        elif is_object(delta := event.get("delta")):
            whole.update({key: value for key, value in delta.items() if value is not None})
            _update(usage, event.get("usage"))
    return {**whole, "usage": usage, "content": [_block(blocks[index].value()) for index in sorted(blocks)]}


def usage_of(raw: object) -> Usage | None:
    """Token counts; Anthropic's `input_tokens` leaves out what a cache read or took, ours does not."""
    if not is_object(raw):
        return None
    fresh, output = count_of(raw, "input_tokens"), count_of(raw, "output_tokens")
    read, written = count_of(raw, "cache_read_input_tokens"), count_of(raw, "cache_creation_input_tokens")
    if fresh is None and output is None:
        return None
    whole = None if fresh is None else fresh + (read or 0) + (written or 0)
    return Usage(input_tokens=whole, output_tokens=output, cached_tokens=read, cache_write_tokens=written)


def counted(fields: dict[str, Any]) -> Response:
    """Understand an answer of `count_tokens`: nothing was said, and no token was used."""
    kind, why = error_of(fields) if fields.get("error") else (None, None)
    return Response(error_type=kind, error_message=why)


def _update(usage: dict[str, Any], more: object) -> None:
    if is_object(more):
        usage.update({key: value for key, value in more.items() if value is not None})


def _take_block(blocks: dict[int, Growing], index: int, event: dict[str, Any]) -> None:
    block, delta = event.get("content_block"), event.get("delta")
    if is_object(block):
        blocks[index] = Growing()
        blocks[index].add(block)
    elif is_object(delta):
        growing = blocks.setdefault(index, Growing())
        kind = delta.get("type")
        field = _DELTAS.get(kind) if isinstance(kind, str) else None
        if field:
            growing.add({field: delta.get(field)})
        elif "citation" in delta:
            growing.add({"citations": [delta["citation"]]})


def _block(block: dict[str, Any]) -> dict[str, Any]:
    """A streamed block as it would have come whole: the pieces of its input are JSON."""
    if (pieces := block.pop("partial_json", None)) is not None:
        value, problem = parse(pieces.encode("utf-8", "surrogatepass"))
        block["input"] = pieces if problem and pieces else (value if not problem else {})
    return block


def _messages(raw: object) -> Iterator[Message]:
    if not is_object(raw):
        yield Message(role="unknown", canonical=canonical(raw))
        return
    role, content = raw.get("role"), raw.get("content")
    role = role if isinstance(role, str) else "unknown"
    if not is_array(content):
        yield Message(role=role, text=text_of(content))
    elif role == "assistant":
        yield _assistant(content)
    else:
        blocks = [_unmarked(block) for block in content]
        yield from (_tool_result(block) for block in blocks if _kind(block) == "tool_result")
        if others := [block for block in blocks if _kind(block) != "tool_result"]:
            yield _user(role, others)


def _user(role: str, blocks: list[Any]) -> Message:
    if all(_kind(block) == "text" and block.keys() <= {"type", "text"} for block in blocks):
        return Message(role=role, text=text_of(blocks))
    parts, media = without_bytes(blocks)
    return Message(
        role=role,
        text=text_of(parts),
        attachments=attachments_of(parts),
        media=media,
        canonical=canonical({"role": role, "content": parts}),
    )


def _tool_result(block: dict[str, Any]) -> Message:
    whole, media = without_bytes(block) if is_array(block.get("content")) else (block, ())
    call_id, content = whole.get("tool_use_id"), whole.get("content")
    return Message(
        role="tool",
        text=text_of(content),
        tool_call_id=call_id if isinstance(call_id, str) else None,
        attachments=attachments_of(content if is_array(content) else ()),
        media=media,
        canonical=canonical(whole),
    )


def _assistant(content: list[Any]) -> Message:
    blocks, media = without_bytes([_unmarked(block) for block in content])
    texts = [block for block in blocks if _kind(block) == "text"]
    thoughts = [text for block in blocks if _kind(block) == "thinking" and isinstance(text := block["thinking"], str)]
    plain = len(blocks) == 1 and bool(texts) and texts[0].keys() <= {"type", "text"}
    return Message(
        role="assistant",
        text="".join(text_of([block]) for block in texts),
        tool_calls=tuple(_tool_call(block) for block in blocks if _kind(block) == "tool_use"),
        reasoning="\n".join(thoughts) or None,
        attachments=attachments_of([block for block in blocks if _kind(block) not in _SPOKEN]),
        media=media,
        citations=tuple(_citations(texts)),
        canonical=None if plain else canonical({"role": "assistant", "content": blocks}),
    )


def _citations(texts: list[dict[str, Any]]) -> Iterator[Citation]:
    for block in texts:
        yield from citations_of(block.get("citations"))


def _tool_call(block: dict[str, Any]) -> ToolCall:
    identity, name, given = block.get("id"), block.get("name"), block.get("input", {})
    return ToolCall(
        id=identity if isinstance(identity, str) else "",
        name=name if isinstance(name, str) else "",
        arguments=given if isinstance(given, str) else canonical(given),
    )


def _unmarked(block: object) -> Any:
    """A block without the mark that moves from call to call as the cached prefix grows."""
    if not is_object(block):
        return block
    return {key: value for key, value in block.items() if key != "cache_control"}


def _kind(block: object) -> str:
    kind = block.get("type") if is_object(block) else None
    return kind if isinstance(kind, str) else ""
