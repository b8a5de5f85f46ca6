"""Redaction of a sample: every text that could reach a row passes every redactor, in order.

In: a sample. Out: the same without what a redactor takes out, without what no row holds (thoughts, citations, raw
JSON). The one rule: the arguments of a tool call stay JSON.
"""

from collections.abc import Sequence
from typing import Any, cast

import msgspec

from backtalk.model.chat import Message, ToolCall
from backtalk.plugin import Redactor, Sample


def redacted(sample: Sample, redactors: Sequence[Redactor]) -> Sample:
    """The sample as it may be kept."""

    def clean(message: Message | None) -> Message | None:
        return None if message is None else _message(message, redactors)

    return msgspec.structs.replace(
        sample,
        prompt=tuple(_message(message, redactors) for message in sample.prompt),
        completion=clean(sample.completion),
        rejected=clean(sample.rejected),
        reference=clean(sample.reference),
    )


def _message(message: Message, redactors: Sequence[Redactor]) -> Message:
    return Message(
        role=message.role,
        text=_text(message.text, redactors),
        tool_calls=tuple(_tool_call(call, redactors) for call in message.tool_calls),
        tool_call_id=message.tool_call_id,
        refusal=None if message.refusal is None else _text(message.refusal, redactors),
    )


def _tool_call(call: ToolCall, redactors: Sequence[Redactor]) -> ToolCall:
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except msgspec.DecodeError:
        return ToolCall(call.id, call.name, _text(call.arguments, redactors))
    cleaned = _value(arguments, redactors)
    return call if cleaned == arguments else ToolCall(call.id, call.name, msgspec.json.encode(cleaned).decode())


def _value(value: Any, redactors: Sequence[Redactor]) -> Any:
    if isinstance(value, str):
        return _text(value, redactors)
    if isinstance(value, list):
        return [_value(one, redactors) for one in cast("Sequence[Any]", value)]
    if isinstance(value, dict):
        return {_text(name, redactors): _value(one, redactors) for name, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, int) and not isinstance(value, bool):
        cleaned = _text(str(value), redactors)
        return value if cleaned == str(value) else cleaned
    return value


def _text(text: str, redactors: Sequence[Redactor]) -> str:
    for redactor in redactors:
        text = redactor.redact(text)
    return text
