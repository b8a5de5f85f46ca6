"""The responses API: input items and output items go in, chat messages come out.

What is one assistant message in a chat is a run of items here (reasoning, message, function calls); a run becomes one
message, in requests as in answers, so that an answer is recognised when a client sends its items back.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

import msgspec

from backtalk.model.chat import Message, Response, ToolCall
from backtalk.observe.lenient_json import canonical, is_array, is_object
from backtalk.observe.media import without_bytes
from backtalk.observe.merge import Growing
from backtalk.observe.messages import (
    attachments_of,
    citations_of,
    error_of,
    logprobs_of,
    message_of,
    refusal_of,
    text_of,
    usage_of,
)

_FINISH: Final = {"max_output_tokens": "length"}
_TOOL_OUTPUTS: Final = frozenset(
    {"computer_call_output", "custom_tool_call_output", "function_call_output", "local_shell_call_output"}
)
_TOOL_CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_WHOLE_ITEMS: Final = frozenset({"response.output_item.added", "response.output_item.done"})
_DELTAS: Final = {
    "response.output_text.delta": ("content", "output_text"),
    "response.refusal.delta": ("content", "refusal"),
    "response.reasoning_text.delta": ("content", "reasoning_text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_text"),
    "response.function_call_arguments.delta": ("arguments", ""),
    "response.custom_tool_call_input.delta": ("input", ""),
}
"""Delta event -> the item's field that grows, and the type of the part where the field is a list of parts."""
_LAST_EVENTS: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "response.done"})


def request_messages(fields: dict[str, Any]) -> tuple[Message, ...] | None:
    """Instructions as a system message, then the input; None where there is neither."""
    given, instructions = fields.get("input"), fields.get("instructions")
    head = (Message(role="system", text=instructions),) if isinstance(instructions, str) and instructions else ()
    if isinstance(given, str):
        return (*head, Message(role="user", text=given))
    if is_array(given):
        return (*head, *_conversation(given))
    return head or None


def response(fields: dict[str, Any]) -> Response:
    """Understand a `response` object."""
    listed = fields.get("output")
    items = [item for item in listed if is_object(item)] if is_array(listed) else []
    identity, model = fields.get("id"), fields.get("model")
    kind, message = error_of(fields) if fields.get("error") else (None, None)
    answer = _assistant(items) if items else None
    logprobs = tuple(found for part in _parts(items) for found in logprobs_of(part.get("logprobs")))
    return Response(
        id=identity if isinstance(identity, str) else None,
        model=model if isinstance(model, str) else None,
        choices=(answer,) if answer else (),
        finish_reasons=(_finish_reason(fields, answer),) if answer else (),
        logprobs=(logprobs,) if logprobs else (),
        usage=usage_of(fields.get("usage")),
        error_type=kind,
        error_message=message,
    )


def stored(fields: dict[str, Any]) -> Response:
    """Understand a later look at a response (retrieve, cancel); `retrieved` names it: nothing new was answered."""
    if fields.get("object") != "response":
        return Response()
    found = response(fields)
    return msgspec.structs.replace(found, id=None, retrieved=found.id)


def assemble(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The last state of the response object that a stream brought: whole at its end, else put together from items."""
    whole: dict[str, Any] = {}
    items: dict[int, Growing] = {}
    for event in events:
        kind, carried = _kind(event, ""), event.get("response")
        if is_object(carried):
            whole = carried
        if kind in _LAST_EVENTS:
            return whole
        if kind == "error":
            whole = {**whole, "error": event.get("error") or event}
        if isinstance(index := event.get("output_index"), int):
            _take_item(items, index, event, kind)
    return {**whole, "output": [items[index].value() for index in sorted(items)]}


def _take_item(items: dict[int, Growing], index: int, event: dict[str, Any], kind: str) -> None:
    item, delta = event.get("item"), event.get("delta")
    if kind in _WHOLE_ITEMS and is_object(item):
        items[index] = Growing()
        items[index].add(item)
    elif kind in _DELTAS and isinstance(delta, str):
        if index not in items:
            items[index] = Growing()
        items[index].add(_piece(event, *_DELTAS[kind], delta))


def _piece(event: dict[str, Any], field: str, part: str, delta: str) -> dict[str, Any]:
    if not part:
        return {field: delta}
    place = event.get("summary_index" if field == "summary" else "content_index")
    key = "refusal" if part == "refusal" else "text"
    return {field: [{"index": place if isinstance(place, int) else 0, "type": part, key: delta}]}


def _conversation(items: list[Any]) -> Iterator[Message]:
    for assistant, run in groupby(items, key=_is_assistant):
        if assistant:
            yield _assistant(list(run))
        else:
            yield from (_tool_output(item) if _is_tool_output(item) else message_of(item, "user") for item in run)


def _is_assistant(item: object) -> bool:
    if not is_object(item):
        return False
    if (role := item.get("role")) is not None:
        return isinstance(role, str) and role == "assistant"
    return _kind(item) not in (*_TOOL_OUTPUTS, "message", "item_reference")


def _is_tool_output(item: object) -> bool:
    return is_object(item) and _kind(item) in _TOOL_OUTPUTS


def _tool_output(item: dict[str, Any]) -> Message:
    item, media = without_bytes(item) if is_array(item.get("output")) else (item, ())
    output, call_id = item.get("output"), item.get("call_id")
    return Message(
        role="tool",
        text=text_of(output),
        tool_call_id=call_id if isinstance(call_id, str) else None,
        attachments=attachments_of(output if is_array(output) else ()),
        media=media,
        canonical=canonical(item),
    )


def _parts(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The parts of all message items."""
    for item in items:
        content = item.get("content") if _kind(item) == "message" else None
        yield from (part for part in content if is_object(part)) if is_array(content) else ()


def _assistant(items: list[dict[str, Any]]) -> Message:
    items, media = without_bytes(items)
    contents = [item.get("content") for item in items if _kind(item) == "message"]
    parts = [part for content in contents if is_array(content) for part in content]
    others = [item for item in items if _kind(item) not in (*_TOOL_CALLS, "message", "reasoning")]
    return Message(
        role="assistant",
        text="\n".join(text for content in contents if (text := text_of(content))),
        tool_calls=tuple(_tool_call(item) for item in items if _kind(item) in _TOOL_CALLS),
        refusal=refusal_of(parts),
        reasoning=_reasoning(items),
        attachments=attachments_of([*parts, *others]),
        media=media,
        citations=tuple(one for part in _parts(items) for one in citations_of(part.get("annotations"))),
        canonical=canonical({"role": "assistant", "content": items}),
    )


def _reasoning(items: list[dict[str, Any]]) -> str | None:
    thoughts = [item for item in items if _kind(item) == "reasoning"]
    said = [text for item in thoughts if (text := text_of(item.get("summary")) or text_of(item.get("content")))]
    return "\n".join(said) or None


def _tool_call(item: dict[str, Any]) -> ToolCall:
    arguments = item.get("arguments", item.get("input", ""))
    return ToolCall(
        id=_str(item.get("call_id")),
        name=_str(item.get("name")),
        arguments=arguments if isinstance(arguments, str) else canonical(arguments),
    )


def _finish_reason(fields: dict[str, Any], answer: Message | None) -> str:
    """The reason in the words of chat completions; empty while a response is not finished."""
    details = fields.get("incomplete_details")
    if fields.get("status") == "incomplete" and is_object(details):
        reason = _str(details.get("reason"))
        return _FINISH.get(reason, reason)
    if fields.get("status") == "completed":
        return "tool_calls" if answer and answer.tool_calls else "stop"
    return ""


def _kind(item: dict[str, Any], default: str = "message") -> str:
    kind = item.get("type", default)
    return kind if isinstance(kind, str) else ""


def _str(value: object) -> str:
    return value if isinstance(value, str) else ""
