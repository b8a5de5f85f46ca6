"""Redaction of a sample: every text that could reach a row passes every redactor, in order.

In: a sample. Out: the same without what a redactor takes out, without what no row holds (thoughts, citations, raw
JSON). The one rule: the arguments of a tool call stay JSON.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, cast

import msgspec

from backtalk.model.chat import Message, ToolCall
from backtalk.plugin import Redactor, Sample

REMEMBERED: Final = 1_024
"""So many texts are known again: a conversation's history and its instructions stand in many rows."""
_SHORT_CHARS: Final = 16_384
"""A longer text is redacted anew, so that what is remembered stays below some megabytes."""


class Redaction:
    """Redactors, one after the other, as one that remembers what it made of the last texts."""

    def __init__(self, redactors: Sequence[Redactor]) -> None:
        self._redactors = tuple(redactors)
        self._known = lru_cache(REMEMBERED)(self._made)

    def redact(self, text: str) -> str:
        """The text as it may be kept."""
        return self._known(text) if len(text) <= _SHORT_CHARS else self._made(text)

    def _made(self, text: str) -> str:
        for redactor in self._redactors:
            text = redactor.redact(text)
        return text


def redacted(sample: Sample, redaction: Redaction) -> Sample:
    """The sample as it may be kept."""

    def clean(message: Message | None) -> Message | None:
        return None if message is None else _message(message, redaction)

    return msgspec.structs.replace(
        sample,
        prompt=tuple(_message(message, redaction) for message in sample.prompt),
        completion=clean(sample.completion),
        rejected=clean(sample.rejected),
        reference=clean(sample.reference),
    )


def _message(message: Message, redaction: Redaction) -> Message:
    return Message(
        role=message.role,
        text=redaction.redact(message.text),
        tool_calls=tuple(_tool_call(call, redaction) for call in message.tool_calls),
        tool_call_id=message.tool_call_id,
        refusal=None if message.refusal is None else redaction.redact(message.refusal),
    )


def _tool_call(call: ToolCall, redaction: Redaction) -> ToolCall:
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
        cleaned = _value(arguments, redaction)
    except (msgspec.DecodeError, RecursionError):
        return ToolCall(call.id, call.name, redaction.redact(call.arguments))
    return call if cleaned == arguments else ToolCall(call.id, call.name, msgspec.json.encode(cleaned).decode())


def _value(value: Any, redaction: Redaction) -> Any:
    if isinstance(value, str):
        return redaction.redact(value)
    if isinstance(value, list):
        return [_value(one, redaction) for one in cast("Sequence[Any]", value)]
    if isinstance(value, dict):
        return {redaction.redact(name): _value(one, redaction) for name, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, int) and not isinstance(value, bool):
        cleaned = redaction.redact(str(value))
        return value if cleaned == str(value) else cleaned
    return value
