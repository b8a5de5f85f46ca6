"""Messages as the conventions' JSON: what goes on a span or an event when content was switched on.

In: messages. Out: JSON text of `gen_ai.input.messages` and its like, never longer than asked for. Texts are cut before
they are encoded and old messages left out, so the JSON stays whole whatever was cut. Shapes are those of the JSON
schemas that OpenTelemetry's conventions publish beside GenAI spans (1.41.1).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

import msgspec

from backtalk.model.chat import Media, Message, ToolCall

MESSAGE_LIMIT: Final = 256
"""Most messages of one attribute; of a longer history the newest are kept."""
TEXT_LIMITS: Final = (32_768, 8_192, 2_048, 512, 128, 32)
"""Longest text of one part, in characters: the first at which the whole fits."""
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


class Cut(NamedTuple):
    """Some JSON, and whether anything was left out of it."""

    json: str
    cut: bool = False

    @property
    def value(self) -> Any:
        """The same as a structure, for events."""
        return _decode(self.json)


class _Scissors:
    """Cuts texts to a length and remembers whether it had to."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = False

    def __call__(self, text: str) -> str:
        if len(text) <= self.limit:
            return text
        self.used = True
        return text[: self.limit - 1] + "…"


_Make = Callable[[_Scissors, int], object]
"""Makes the value from a place on, with texts cut."""


def messages_json(messages: Sequence[Message], limit_bytes: int) -> Cut:
    """The messages with their parts; where they are too many, the newest."""
    kept = messages[-MESSAGE_LIMIT:]
    fitted = _fitted(lambda cut, place: [_message(m, cut) for m in kept[place:]], len(kept), limit_bytes)
    return Cut(fitted.json, fitted.cut or len(kept) < len(messages))


def choices_json(choices: Sequence[Message], finish_reasons: Sequence[str], limit_bytes: int) -> Cut:
    """The answers with their parts and finish reasons; where they are too many, the last."""
    reasons = (*finish_reasons, *("error" for _ in choices[len(finish_reasons) :]))
    pairs = list(zip(choices, reasons, strict=False))

    def from_place(cut: _Scissors, place: int) -> list[dict[str, Any]]:
        answers = ((_message(m, cut), m.role or "assistant", reason) for m, reason in pairs[place:])
        return [message | {"role": role, "finish_reason": reason} for message, role, reason in answers]

    return _fitted(from_place, len(pairs), limit_bytes)


def instructions_json(message: Message, limit_bytes: int) -> Cut:
    """The parts of a system message that the API takes in a field of its own."""
    return _fitted(lambda cut, place: _parts(message, cut)[place:], 1, limit_bytes)


def tools_json(given_json: str, limit_bytes: int) -> Cut:
    """The tools of a request as the conventions list them: type, name, description and parameters side by side."""
    try:
        listed = _decode(given_json)
    except (msgspec.MsgspecError, RecursionError):
        return Cut("[]", cut=True)
    tools = [_tool(tool) for tool in cast("list[object]", listed)] if isinstance(listed, list) else []
    whole = _encode(tools)
    if len(whole) <= limit_bytes:
        return Cut(whole.decode())
    named = [{name: tool[name] for name in ("type", "name")} for tool in tools]
    return _fitted(lambda _, place: named[place:], len(named), limit_bytes)._replace(cut=True)


def _fitted(make: _Make, count: int, limit_bytes: int) -> Cut:
    """What `make` gives, cut as little as needed: first texts, then the oldest; an empty list if nothing fits."""
    for scissors, place in _tries(count):
        encoded = _encode(make(scissors, place))
        if len(encoded) <= limit_bytes:
            return Cut(encoded.decode(), scissors.used or place > 0)
    return Cut("[]", cut=True)


def _tries(count: int) -> Iterator[tuple[_Scissors, int]]:
    yield from ((_Scissors(limit), 0) for limit in TEXT_LIMITS)
    place = 0
    while (place := place + max(1, (count - place) // 2)) < count:
        yield _Scissors(TEXT_LIMITS[-1]), place


def _message(message: Message, cut: _Scissors) -> dict[str, Any]:
    return {"role": message.role, "parts": _parts(message, cut)}


def _parts(message: Message, cut: _Scissors) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if message.reasoning:
        parts.append({"type": "reasoning", "content": cut(message.reasoning)})
    if message.tool_call_id is not None:
        parts.append({"type": "tool_call_response", "id": message.tool_call_id, "response": cut(message.text)})
    elif message.text:
        parts.append({"type": "text", "content": cut(message.text)})
    if message.refusal:
        parts.append({"type": "text", "content": cut(message.refusal)})
    parts += [_call(call, cut) for call in message.tool_calls]
    if message.media:
        parts += [_media(media, cut) for media in message.media]
    else:
        parts += [{"type": "attachment", "sha256": digest} for digest in message.attachments]
    return parts


def _media(media: Media, cut: _Scissors) -> dict[str, Any]:
    """A picture, a sound or a file: where it is, or what its bytes were known by."""
    name = None if media.name is None else cut(media.name)
    about: dict[str, Any] = {"modality": media.kind, "mime_type": media.media_type, "name": name}
    where: dict[str, Any]
    if media.ref is not None:
        ref = cut(media.ref)
        where = {"type": "uri", "uri": ref} if "://" in media.ref else {"type": "file", "file_id": ref}
    else:
        where = {"type": "attachment", "sha256": media.sha256, "size": media.size_bytes}
    return {name: value for name, value in (where | about).items() if value is not None}


def _call(call: ToolCall, cut: _Scissors) -> dict[str, Any]:
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": cut(call.arguments)}


def _tool(given: object) -> dict[str, Any]:
    """One tool: OpenAI nests a function's fields, Anthropic calls its parameters `input_schema`."""
    tool = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    inner = tool.get("function")
    fields = cast("dict[str, Any]", inner) if isinstance(inner, dict) else tool
    kind = tool.get("type")
    kind = kind if isinstance(kind, str) else "function"
    name = fields.get("name") or tool.get("server_label") or kind
    found: dict[str, Any] = {"type": kind, "name": str(name)}
    if isinstance(said := fields.get("description"), str):
        found["description"] = said
    schema = fields.get("parameters") or fields.get("input_schema")
    return found | {"parameters": schema} if isinstance(schema, dict) else found
