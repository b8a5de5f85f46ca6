"""TRL's conversational datasets, all five: pure.

In: samples. Out: lines, or `UnfitError` with a reason. TRL differs from the API: the arguments of a tool call are an
object, a call has no id, and a tool's message carries the tool's name (TRL's docs, dataset formats).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from backtalk.datasets.formats.embedded import decoded
from backtalk.datasets.formats.unfit import UnfitError
from backtalk.model.chat import Message, ToolCall
from backtalk.plugin import Sample

_ROLES: Final = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


def sft(sample: Sample) -> dict[str, Any]:
    """Prompt and completion."""
    return {"prompt": conversation(sample.prompt), "completion": [answer(sample.completion)]} | tools(sample.tools_json)


def preference(sample: Sample) -> dict[str, Any]:
    """Prompt, chosen and rejected."""
    chosen, rejected = answer(sample.completion), answer(sample.rejected)
    if chosen == rejected:
        raise UnfitError("nothing_changed")
    return {"prompt": conversation(sample.prompt), "chosen": [chosen], "rejected": [rejected]} | tools(
        sample.tools_json
    )


def unpaired_preference(sample: Sample) -> dict[str, Any]:
    """Prompt, completion and whether it is wanted."""
    return {
        "prompt": conversation(sample.prompt),
        "completion": [answer(sample.completion)],
        "label": bool(sample.label),
    } | tools(sample.tools_json)


def reward(sample: Sample) -> dict[str, Any]:
    """Two whole conversations with the margin between them."""
    pair = preference(sample)
    prompt = pair["prompt"]
    return {
        "chosen": [*prompt, *pair["chosen"]],
        "rejected": [*prompt, *pair["rejected"]],
        "margin": sample.margin or 0.0,
    } | tools(sample.tools_json)


def prompt_only(sample: Sample) -> dict[str, Any]:
    """A prompt, with the text of a right answer for the reward function; null where none is known."""
    reference = None if sample.reference is None else sample.reference.text
    return {"prompt": conversation(sample.prompt), "reference": reference} | tools(sample.tools_json)


def conversation(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """A prompt: the messages in order, tools named by the calls that they answer."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    return [_message(message, names) for message in messages]


def answer(message: Message | None) -> dict[str, Any]:
    """An assistant's message that is to be learned or rejected; an empty one is unfit."""
    if message is None or message.role != "assistant":
        raise UnfitError("answer_not_by_assistant")
    shaped = _message(message, {})
    if not shaped["content"] and not message.tool_calls:
        raise UnfitError("answer_empty")
    return shaped


def tools(tools_json: str | None) -> dict[str, str]:
    """The row's `tools` column: JSON in a string, since rows with different tools have no common type."""
    return {} if tools_json is None else {"tools": tools_json}


def _message(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    if message.attachments:
        raise UnfitError("attachments")
    if message.role not in _ROLES:
        raise UnfitError("role_unknown")
    shaped: dict[str, Any] = {"role": _ROLES[message.role], "content": message.text or message.refusal or ""}
    if message.tool_calls:
        shaped["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.role == "tool":
        shaped["name"] = names.get(message.tool_call_id or "", "")
    return shaped


def _call(call: ToolCall) -> dict[str, Any]:
    arguments: object = decoded(call.arguments or "{}", "tool_arguments_not_json")
    if not isinstance(arguments, dict):
        raise UnfitError("tool_arguments_not_json")
    return {"type": "function", "function": {"name": call.name, "arguments": arguments}}
