"""Legacy completions: a prompt is understood as user messages, each choice as an assistant message."""

from typing import Any

from backtalk.model.chat import Message, Response
from backtalk.observe import chat
from backtalk.observe.lenient_json import canonical, is_array, is_object


def request_messages(fields: dict[str, Any]) -> tuple[Message, ...] | None:
    """One message a prompt; a prompt of token numbers has no text, only `canonical`. None where there is no prompt."""
    prompt = fields.get("prompt")
    if isinstance(prompt, str):
        return (Message(role="user", text=prompt),)
    if not is_array(prompt):
        return None
    prompts: list[object] = prompt
    if any(isinstance(item, int) for item in prompts):
        return (_tokens(prompts),)
    return tuple(Message(role="user", text=item) if isinstance(item, str) else _tokens(item) for item in prompts)


def response(fields: dict[str, Any]) -> Response:
    """Understand a `text_completion` object."""
    listed = fields.get("choices")
    choices = [choice for choice in listed[: chat.MOST_CHOICES] if is_object(choice)] if is_array(listed) else []
    choices.sort(key=chat.index_of)
    messages = tuple(Message(role="assistant", text=_text(choice)) for choice in choices)
    return chat.response_of(fields, choices, messages)


def _text(choice: dict[str, Any]) -> str:
    text = choice.get("text")
    return text if isinstance(text, str) else ""


def _tokens(prompt: object) -> Message:
    return Message(role="user", canonical=canonical({"role": "user", "content": prompt}))
