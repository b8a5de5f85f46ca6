"""Chat messages: one message of a request or an answer goes in as JSON, one `model.chat.Message` comes out.

Whatever its shape, a message is kept: `text` is what a person would read, and `canonical` is the whole JSON wherever
the text does not say all. Fields that are null or empty say nothing, so two spellings of one message are equal.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from backtalk.model.chat import Citation, Media, Message, TokenLogprob, ToolCall, Usage
from backtalk.observe.lenient_json import canonical, is_array, is_object
from backtalk.observe.media import without_bytes

_TEXT_TYPES: Final = frozenset({"text", "input_text", "output_text", "summary_text", "reasoning_text"})
_MOST_TOKENS: Final = 1 << 53
"""Above it a count is nonsense, and would not fit every store's integers."""
_BESIDE: Final = frozenset({"audio", "images"})
"""Fields of a message that hold media beside its content."""
_INPUT_DETAILS: Final = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OUTPUT_DETAILS: Final = ("completion_tokens_details", "output_tokens_details", "output_token_details")
_SAYS_NOTHING: Final[tuple[object, ...]] = (None, "", [], {})


def message_of(raw: object, default_role: str = "unknown") -> Message:
    """Understand one message; a value that is no object becomes a message that keeps it in `canonical`."""
    if not is_object(raw):
        return Message(role=default_role, text=raw if isinstance(raw, str) else "", canonical=canonical(raw))
    fields = raw
    role, content = _text(fields.get("role")) or default_role, fields.get("content")
    if len(fields) == 2 and isinstance(content, str) and "role" in fields:
        return Message(role=role, text=content)
    said = {key: value for key, value in fields.items() if value not in _SAYS_NOTHING}
    said, media = _with_content(said) if _BESIDE.isdisjoint(said) else without_bytes(said)
    content = said.get("content")
    parts: Sequence[object] = content if is_array(content) else ()
    return Message(
        role=role,
        text=text_of(content) or _transcript(said.get("audio")),
        tool_calls=tool_calls_of(said),
        tool_call_id=_text(said.get("tool_call_id")),
        refusal=_text(said.get("refusal")) or refusal_of(parts),
        reasoning=_text(said.get("reasoning_content")) or _text(said.get("reasoning")),
        attachments=attachments_of(parts) or (() if role == "assistant" else refs_of(media)),
        media=media,
        citations=citations_of(said.get("annotations")),
        canonical=None if _text_says_all(said) else canonical(said),
    )


def _with_content(said: dict[str, Any]) -> tuple[dict[str, Any], tuple[Media, ...]]:
    """The message where only its content can hold media."""
    content = said.get("content")
    if not is_array(content):
        return said, ()
    parts, media = without_bytes(content)
    return (said if parts is content else {**said, "content": parts}), media


def _transcript(audio: object) -> str:
    """What was said in an answer that is a sound."""
    return (_text(audio.get("transcript")) or "") if is_object(audio) else ""


def text_of(content: object) -> str:
    """The plain text of a content: a text itself, or the text parts of an array, one a line."""
    if isinstance(content, str):
        return content
    if not is_array(content):
        return ""
    parts: Sequence[object] = content
    return "\n".join(text for part in parts if (text := _text_of_part(part)) is not None)


def attachments_of(parts: Sequence[object]) -> tuple[str, ...]:
    """The sha256 of each object that is neither text nor refusal, in order."""
    return tuple(
        hashlib.sha256(canonical(part).encode()).hexdigest()
        for part in parts
        if is_object(part) and _text_of_part(part) is None and not _is_refusal(part)
    )


def refs_of(media: Sequence[Media]) -> tuple[str, ...]:
    """What tells media apart where they are no parts of a content."""
    return tuple(item.sha256 or item.ref or "" for item in media)


def refusal_of(parts: Sequence[object]) -> str | None:
    """The refusal parts of a content, one a line."""
    said = [_text(part.get("refusal")) or "" for part in parts if is_object(part) and _is_refusal(part)]
    return "\n".join(said) or None


def tool_calls_of(fields: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """The tool calls of a message, in any of their spellings (`tool_calls`, custom tools, the old `function_call`)."""
    listed = fields.get("tool_calls")
    calls = [_tool_call(call) for call in listed if is_object(call)] if is_array(listed) else []
    if is_object(old := fields.get("function_call")):
        calls.append(_tool_call({"function": old}))
    return tuple(calls)


def citations_of(listed: object) -> tuple[Citation, ...]:
    """The annotations of a text, in OpenAI's or in Anthropic's spelling."""
    return tuple(_citation(one) for one in listed if is_object(one)) if is_array(listed) else ()


def logprobs_of(raw: object) -> tuple[TokenLogprob, ...]:
    """The tokens of a choice: chat's and responses' list of objects, or the two lists of completions."""
    if is_object(raw):
        tokens, values = raw.get("tokens"), raw.get("token_logprobs")
        if is_array(tokens) and is_array(values):
            raw = [{"token": token, "logprob": value} for token, value in zip(tokens, values, strict=False)]
        else:
            raw = raw.get("content") or raw.get("refusal")
    listed: list[Any] = raw if is_array(raw) else []
    found = ((one.get("token"), one.get("logprob")) for one in listed if is_object(one))
    return tuple(
        TokenLogprob(token, float(value))
        for token, value in found
        if isinstance(token, str) and isinstance(value, int | float)
    )


def _citation(raw: dict[str, Any]) -> Citation:
    kind = _text(raw.get("type")) or "citation"
    inner = raw.get(kind)
    fields: dict[str, Any] = inner if is_object(inner) else raw
    return Citation(
        kind=kind,
        source=_first_text(fields, "url", "file_id", "source"),
        title=_first_text(fields, "title", "filename", "document_title"),
        quoted=_first_text(fields, "cited_text", "quote"),
        start=count_of(fields, "start_index"),
        end=count_of(fields, "end_index"),
    )


def usage_of(raw: object) -> Usage | None:
    """Token counts in the names of chat completions or of responses; a count that is no natural number is left out."""
    if not is_object(raw):
        return None
    fields: dict[str, Any] = raw
    read = next((fields[name] for name in _INPUT_DETAILS if fields.get(name)), None)
    made = next((fields[name] for name in _OUTPUT_DETAILS if fields.get(name)), None)
    return Usage(
        input_tokens=count_of(fields, "prompt_tokens", "input_tokens"),
        output_tokens=count_of(fields, "completion_tokens", "output_tokens"),
        cached_tokens=count_of(read, "cached_tokens"),
        reasoning_tokens=count_of(made, "reasoning_tokens"),
    )


def error_of(raw: object) -> tuple[str | None, str | None]:
    """Type and message of an error body: OpenAI's `{"error": {...}}`, or one of the spellings found elsewhere."""
    if not is_object(raw):
        return None, None
    fields: dict[str, Any] = raw
    error = fields.get("error")
    if isinstance(error, str):
        return None, error
    inner: dict[str, Any] = error if is_object(error) else fields
    message = _text(inner.get("message")) or _text(inner.get("detail"))
    kind = _text(inner.get("type")) or _text(inner.get("code"))
    return kind, message


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _first_text(fields: dict[str, Any], *names: str) -> str | None:
    return next((text for name in names if (text := _text(fields.get(name)))), None)


def _text_of_part(part: object) -> str | None:
    if isinstance(part, str):
        return part
    if not is_object(part):
        return None
    fields: dict[str, Any] = part
    text, kind = fields.get("text"), fields.get("type", "text")
    return text if isinstance(text, str) and isinstance(kind, str) and kind in _TEXT_TYPES else None


def _is_refusal(part: object) -> bool:
    return is_object(part) and part.get("type") == "refusal"


def _tool_call(call: dict[str, Any]) -> ToolCall:
    inner = call.get("function") or call.get("custom")
    fields: dict[str, Any] = inner if is_object(inner) else {}
    arguments = fields.get("arguments", fields.get("input", ""))
    return ToolCall(
        id=_text(call.get("id")) or "",
        name=_text(fields.get("name")) or "",
        arguments=arguments if isinstance(arguments, str) else canonical(arguments),
    )


def _text_says_all(said: Mapping[str, object]) -> bool:
    return said.keys() <= {"role", "content"} and isinstance(said.get("content", ""), str)


def count_of(raw: object, *names: str) -> int | None:
    """The first of the named counts that is one."""
    if not is_object(raw):
        return None
    fields: dict[str, Any] = raw
    for name in names:
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS:
            return value
    return None
