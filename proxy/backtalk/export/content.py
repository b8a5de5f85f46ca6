"""Messages as the conventions' JSON: what goes on a span when content was switched on.

In: messages. Out: JSON text of `gen_ai.input.messages` and `gen_ai.output.messages`. Texts are cut before they are
encoded, so the JSON stays whole.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from backtalk.model.chat import Media, Message, ToolCall

TEXT_LIMIT: Final = 32_768
"""Longest text of one part, in characters."""
MESSAGE_LIMIT: Final = 256
"""Most messages of one attribute; of a longer history the newest are kept."""
_encoder: Final = msgspec.json.Encoder()


def messages_json(messages: Sequence[Message]) -> str:
    """The messages with their parts."""
    return _encode([{"role": m.role, "parts": _parts(m)} for m in messages[-MESSAGE_LIMIT:]])


def choices_json(choices: Sequence[Message], finish_reasons: Sequence[str]) -> str:
    """The answers with their parts and finish reasons."""
    reasons = (*finish_reasons, *("error" for _ in choices[len(finish_reasons) :]))
    return _encode(
        [
            {"role": m.role or "assistant", "parts": _parts(m), "finish_reason": reason}
            for m, reason in zip(choices, reasons, strict=False)
        ]
    )


def _parts(message: Message) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if message.reasoning:
        parts.append({"type": "reasoning", "content": _cut(message.reasoning)})
    if message.tool_call_id is not None:
        parts.append({"type": "tool_call_response", "id": message.tool_call_id, "result": _cut(message.text)})
    elif message.text:
        parts.append({"type": "text", "content": _cut(message.text)})
    if message.refusal:
        parts.append({"type": "text", "content": _cut(message.refusal)})
    parts += [_call(call) for call in message.tool_calls]
    if message.media:
        parts += [_media(media) for media in message.media]
    else:
        parts += [{"type": "attachment", "sha256": digest} for digest in message.attachments]
    return parts


def _media(media: Media) -> dict[str, Any]:
    """A picture, a sound or a file: where it is, or what its bytes were known by."""
    about: dict[str, Any] = {"modality": media.kind, "mime_type": media.media_type, "name": media.name}
    where: dict[str, Any]
    if media.ref is not None:
        where = {"type": "uri", "uri": media.ref} if "://" in media.ref else {"type": "file", "file_id": media.ref}
    else:
        where = {"type": "attachment", "sha256": media.sha256, "size": media.size_bytes}
    return {name: value for name, value in (where | about).items() if value is not None}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": _cut(call.arguments)}


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def _encode(value: object) -> str:
    return _encoder.encode(value).decode()
