"""Amazon Bedrock's fine-tuning of Claude and Nova: pure.

In: samples. Out: lines, or `UnfitError`: both take text alone, and turns that alternate from user to assistant (AWS's
docs, preparing data for fine-tuning Claude 3 Haiku, Amazon Nova, and Nova's preference training).
"""

from collections.abc import Sequence
from typing import Any, Final

from backtalk.datasets.formats.unfit import UnfitError
from backtalk.model.chat import Message
from backtalk.plugin import Sample

NOVA_SCHEMA: Final = "bedrock-conversation-2024"
_INSTRUCTIONS: Final = frozenset(("system", "developer"))


def claude(sample: Sample) -> dict[str, Any]:
    """A conversation of texts with its instructions apart."""
    system, turns = _turns(sample.prompt)
    said = [{"role": role, "content": text} for role, text in (*turns, ("assistant", _text(sample.completion)))]
    return ({"system": system} if system else {}) | {"messages": said}


def nova(sample: Sample) -> dict[str, Any]:
    """A conversation in the form of the Converse API."""
    return _nova_head(sample) | {
        "messages": [*_nova_turns(sample), {"role": "assistant", "content": [{"text": _text(sample.completion)}]}]
    }


def nova_preference(sample: Sample) -> dict[str, Any]:
    """A conversation whose last turn has a preferred and a non-preferred candidate."""
    candidates = [
        {"content": [{"text": _text(sample.completion)}], "preferenceLabel": "preferred"},
        {"content": [{"text": _text(sample.rejected)}], "preferenceLabel": "non-preferred"},
    ]
    return _nova_head(sample) | {"messages": [*_nova_turns(sample), {"role": "assistant", "candidates": candidates}]}


def _nova_head(sample: Sample) -> dict[str, Any]:
    system, _ = _turns(sample.prompt)
    return {"schemaVersion": NOVA_SCHEMA} | ({"system": [{"text": system}]} if system else {})


def _nova_turns(sample: Sample) -> list[dict[str, Any]]:
    return [{"role": role, "content": [{"text": text}]} for role, text in _turns(sample.prompt)[1]]


def _turns(prompt: Sequence[Message]) -> tuple[str, list[tuple[str, str]]]:
    """The instructions as one text, and the turns, those of one speaker in a row joined."""
    system = "\n\n".join(message.text for message in prompt if message.role in _INSTRUCTIONS)
    turns: list[tuple[str, str]] = []
    for message in prompt:
        if message.role in _INSTRUCTIONS:
            continue
        if message.role not in ("user", "assistant"):
            raise UnfitError("tools_not_taken")
        text = _text(message)
        if turns and turns[-1][0] == message.role:
            turns[-1] = (message.role, f"{turns[-1][1]}\n\n{text}")
        else:
            turns.append((message.role, text))
    if not turns or turns[0][0] != "user" or turns[-1][0] != "user":
        raise UnfitError("turns_do_not_alternate")
    return system, turns


def _text(message: Message | None) -> str:
    if message is None or not (message.text or message.refusal or message.tool_calls):
        raise UnfitError("answer_empty")
    if message.attachments:
        raise UnfitError("attachments")
    if message.tool_calls:
        raise UnfitError("tools_not_taken")
    return message.text or message.refusal or ""
