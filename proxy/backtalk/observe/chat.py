"""Chat completions: a request, a JSON answer or a stream of chunks goes in; `model.chat` values come out.

A stream is put together into the very object that the same answer would have been without streaming, and then
understood by the same function; what a cut stream brought counts, no more and no less.
"""

from collections.abc import Iterable
from typing import Any, Final

from backtalk.model.chat import Message, Response
from backtalk.observe.lenient_json import is_array, is_object
from backtalk.observe.merge import Growing
from backtalk.observe.messages import error_of, logprobs_of, message_of, usage_of

MOST_CHOICES: Final = 1024
"""Most choices of an answer that are understood; what is beyond them is left out."""


def request_messages(fields: dict[str, Any]) -> tuple[Message, ...] | None:
    """The conversation so far; None where `messages` is no array."""
    listed = fields.get("messages")
    return tuple(message_of(raw) for raw in listed) if is_array(listed) else None


def response(fields: dict[str, Any]) -> Response:
    """Understand a `chat.completion` object."""
    listed = fields.get("choices")
    choices = [choice for choice in listed[:MOST_CHOICES] if is_object(choice)] if is_array(listed) else []
    choices.sort(key=index_of)
    return response_of(fields, choices, tuple(message_of(choice.get("message"), "assistant") for choice in choices))


def response_of(fields: dict[str, Any], choices: list[dict[str, Any]], messages: tuple[Message, ...]) -> Response:
    """Everything of an answer beside its messages."""
    identity, model = fields.get("id"), fields.get("model")
    kind, message = error_of(fields) if fields.get("error") else (None, None)
    logprobs = tuple(logprobs_of(choice.get("logprobs")) for choice in choices)
    return Response(
        id=identity if isinstance(identity, str) else None,
        model=model if isinstance(model, str) else None,
        choices=messages,
        finish_reasons=tuple(_reason(choice) for choice in choices),
        logprobs=logprobs if any(logprobs) else (),
        usage=usage_of(fields.get("usage")),
        error_type=kind,
        error_message=message,
    )


def assemble(chunks: Iterable[dict[str, Any]], delta_key: str = "delta", whole_key: str = "message") -> dict[str, Any]:
    """Put the chunks of a stream together into one completion object."""
    whole: dict[str, Any] = {}
    growing: dict[int, _Choice] = {}
    for chunk in chunks:
        for key in ("id", "model", "usage", "error"):
            if chunk.get(key):
                whole[key] = chunk[key]
        listed = chunk.get("choices")
        for choice in listed if is_array(listed) else ():
            if is_object(choice):
                index = index_of(choice)
                if index not in growing and len(growing) < MOST_CHOICES:
                    growing[index] = _Choice(delta_key)
                if index in growing:
                    growing[index].add(choice)
    whole["choices"] = [growing[index].value(index, whole_key) for index in sorted(growing)]
    return whole


class _Choice:
    """One choice of a stream under assembly."""

    def __init__(self, delta_key: str) -> None:
        self._delta_key = delta_key
        self._message = Growing()
        self._logprobs = Growing()
        self._finish_reason: object = None

    def add(self, choice: dict[str, Any]) -> None:
        delta = choice.get(self._delta_key)
        if is_object(delta):
            self._message.add(delta)
        elif isinstance(delta, str):
            self._message.add({self._delta_key: delta})
        if is_object(logprobs := choice.get("logprobs")):
            self._logprobs.add(logprobs)
        self._finish_reason = choice.get("finish_reason") or self._finish_reason

    def value(self, index: int, whole_key: str) -> dict[str, Any]:
        message = self._message.value()
        whole = message.get(self._delta_key, "") if whole_key == self._delta_key else {"role": "assistant", **message}
        said = {"index": index, whole_key: whole, "finish_reason": self._finish_reason}
        return {**said, "logprobs": self._logprobs.value()}


def index_of(choice: dict[str, Any]) -> int:
    """The place of a choice; 0 where none is given."""
    index = choice.get("index")
    return index if isinstance(index, int) else 0


def _reason(choice: dict[str, Any]) -> str:
    reason = choice.get("finish_reason")
    return reason if isinstance(reason, str) else ""
