"""Ollama's own API: a request, a JSON answer or lines of JSON go in; `model.chat` values come out.

It streams unless it is told not to. A stream's lines are put together into the object that the same answer would have
been without streaming. Finish reasons are in the words of chat completions.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from backtalk.model.chat import Message, Response, Usage
from backtalk.observe.lenient_json import is_array, is_object
from backtalk.observe.media import without_bytes
from backtalk.observe.merge import Growing
from backtalk.observe.messages import count_of, error_of, logprobs_of, message_of, refs_of

_FINISH: Final = {"load": "stop", "unload": "stop"}


def chat_messages(fields: dict[str, Any]) -> tuple[Message, ...] | None:
    """The conversation so far; None where `messages` is no array."""
    listed = fields.get("messages")
    return tuple(_message(raw, "unknown") for raw in listed) if is_array(listed) else None


def prompt_messages(fields: dict[str, Any]) -> tuple[Message, ...] | None:
    """The system prompt, then the prompt with its pictures; None where there is none."""
    prompt, system = fields.get("prompt"), fields.get("system")
    if not isinstance(prompt, str):
        return None
    head = (Message(role="system", text=system),) if isinstance(system, str) and system else ()
    images = fields.get("images")
    _, media = without_bytes({"images": images} if is_array(images) else {})
    return (*head, Message(role="user", text=prompt, attachments=refs_of(media), media=media))


def response(fields: dict[str, Any]) -> Response:
    """Understand an answer of `/api/chat` or `/api/generate`."""
    model, error = fields.get("model"), fields.get("error")
    answer = _answer(fields)
    kind, why = error_of(fields) if error else (None, None)
    logprobs = logprobs_of(fields.get("logprobs"))
    return Response(
        model=model if isinstance(model, str) else None,
        choices=(answer,) if answer else (),
        finish_reasons=(_reason(fields, answer),) if answer else (),
        logprobs=(logprobs,) if logprobs else (),
        usage=_usage(fields),
        error_type=kind,
        error_message=why,
    )


def assemble(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Put the lines of a stream together; what is no text holds as the last line has it."""
    message, texts = Growing(), Growing()
    whole: dict[str, Any] = {}
    for line in lines:
        if is_object(piece := line.get("message")):
            message.add(piece)
        texts.add({key: line[key] for key in ("response", "thinking", "logprobs") if key in line})
        whole.update({key: value for key, value in line.items() if key not in ("message", "response", "thinking")})
    said = message.value()
    return {**whole, **texts.value(), **({"message": said} if said else {})}


def _answer(fields: dict[str, Any]) -> Message | None:
    if is_object(message := fields.get("message")):
        return _message(message, "assistant")
    text, thinking = fields.get("response"), fields.get("thinking")
    if not isinstance(text, str):
        return None
    return Message(role="assistant", text=text, reasoning=thinking if isinstance(thinking, str) and thinking else None)


def _message(raw: object, default_role: str) -> Message:
    """A message; the name of the tool that speaks stands for the id that Ollama's tool calls have not."""
    message = message_of(raw, default_role)
    if not is_object(raw):
        return message
    thinking, name = raw.get("thinking"), raw.get("tool_name")
    return msgspec.structs.replace(
        message,
        reasoning=thinking if isinstance(thinking, str) and thinking else message.reasoning,
        tool_call_id=message.tool_call_id or (name if isinstance(name, str) and name else None),
    )


def _reason(fields: dict[str, Any], answer: Message | None) -> str:
    if fields.get("done") is not True:
        return ""
    if answer is not None and answer.tool_calls:
        return "tool_calls"
    reason = fields.get("done_reason")
    return _FINISH.get(reason, reason) if isinstance(reason, str) and reason else "stop"


def _usage(fields: dict[str, Any]) -> Usage | None:
    read, made = count_of(fields, "prompt_eval_count"), count_of(fields, "eval_count")
    return None if read is None and made is None else Usage(input_tokens=read, output_tokens=made)
