"""Calls as datasets need them: what was asked, what was answered, and why a call cannot be used.

In: rows of calls and of messages. Out: exchanges, or a stable word that says what is missing. Pure.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

import msgspec

from backtalk.ledger.schema import Row
from backtalk.model.chat import Message

_CHAT_APIS: Final = frozenset(("chat", "responses", "messages", "ollama_chat"))
_INSTRUCTIONS: Final = frozenset(("system", "developer"))
_decode: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)


class Exchange(NamedTuple):
    """What was asked, the answers (one for each choice), and the tools that were offered."""

    asked: tuple[Message, ...]
    answers: tuple[Message, ...]
    tools_json: str | None


def exchange(call: Row, messages: Mapping[str, Row], *, answered: bool = True) -> Exchange | str:
    """The call with its messages, or the reason why it cannot be used."""
    if (lacking := _lacking(call, answered=answered)) is not None:
        return lacking
    asked, answers = _texts(call["message_ids"], messages), _texts(call["answer_ids"], messages)
    tools = _texts([call["tools_id"]] if call["tools_id"] else [], messages)
    if asked is None or answers is None or tools is None:
        return "erased" if call.get("erased_ns") else "content_not_kept"
    if any(message.attachments for message in (*asked, *answers)):
        return "attachments"
    if answered and not answers:
        return "answer_empty"
    return Exchange(asked, answers, tools[0].text if tools else None)


def _lacking(call: Row, *, answered: bool) -> str | None:
    """Why a call cannot be used, whatever its texts are."""
    if call["api"] not in _CHAT_APIS:
        return "not_chat"
    if call["request_capture"] != "full" or (answered and call["response_capture"] != "full"):
        return "capture_truncated"
    if answered and (call["outcome"] != "completed" or call["status"] >= 400):
        return "answer_incomplete"
    return None


def edited_answer(asked: Sequence[Message], resent: Sequence[Message]) -> Message | None:
    """The answer as the app resent it: what stands behind the earlier conversation, instructions left aside."""
    before = [message for message in asked if message.role not in _INSTRUCTIONS]
    after = [message for message in resent if message.role not in _INSTRUCTIONS]
    if len(after) <= len(before) or after[len(before)].role != "assistant":
        return None
    return after[len(before)]


def message_ids(calls: Iterable[Row]) -> set[str]:
    """The ids of all messages of calls, with those of the tools that were offered."""
    found: set[str] = set()
    for call in calls:
        found.update(
            call["message_ids"] or (), call["answer_ids"] or (), [call["tools_id"]] if call["tools_id"] else ()
        )
    return found


def consent_tags(call: Row) -> frozenset[str]:
    """The tags of `metadata.consent`, as the app sent them with the call."""
    try:
        fields: object = json.loads(call.get("params_json") or "{}")
    except (ValueError, RecursionError):
        return frozenset()
    metadata = cast("dict[str, Any]", fields).get("metadata") if isinstance(fields, dict) else None
    said = cast("dict[str, Any]", metadata).get("consent") if isinstance(metadata, dict) else None
    return frozenset(tag.strip() for tag in said.split(",")) if isinstance(said, str) else frozenset()


def last_user_text(messages: Collection[Message]) -> str:
    """What the person said last."""
    return next((message.text for message in reversed(list(messages)) if message.role == "user"), "")


def _texts(ids: Iterable[str], messages: Mapping[str, Row]) -> tuple[Message, ...] | None:
    found = [messages.get(name, {}).get("json") for name in ids]
    return None if None in found else tuple(_decode.decode(text) for text in found if text is not None)
