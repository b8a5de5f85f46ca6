"""Messages of the chat API, as OpenAI, Together and Fireworks take them for fine-tuning: pure.

In: samples. Out: lines, or `UnfitError`. Nothing stands in a line but what the formats name: services refuse lines with
other fields, so what a row was made of is in the Parquet files only.
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from backtalk.datasets.formats.embedded import decoded
from backtalk.datasets.formats.unfit import UnfitError
from backtalk.model.chat import Message
from backtalk.model.chat_body import NotChatError, message_body, tool_bodies
from backtalk.plugin import Sample


def sft(sample: Sample) -> dict[str, Any]:
    """A conversation that ends with the answer to learn."""
    return {"messages": [*messages(sample.prompt), answer(sample.completion)]} | tools(sample)


def preference(sample: Sample) -> dict[str, Any]:
    """A prompt with a preferred and a non-preferred answer (OpenAI's docs, direct preference optimization)."""
    preferred, other = answer(sample.completion), answer(sample.rejected)
    if preferred == other:
        raise UnfitError("nothing_changed")
    return {
        "input": {"messages": messages(sample.prompt)} | tools(sample),
        "preferred_output": [preferred],
        "non_preferred_output": [other],
    }


def open_sft(sample: Sample) -> dict[str, Any]:
    """`sft` for services of open models, whose templates know no developer."""
    return sft(_without_developer(sample))


def open_preference(sample: Sample) -> dict[str, Any]:
    """`preference` likewise; what is compared follows a turn of somebody else (Together's check of files)."""
    if sample.prompt and sample.prompt[-1].role == "assistant":
        raise UnfitError("last_turn_by_assistant")
    return preference(_without_developer(sample))


def evals(sample: Sample) -> dict[str, Any]:
    """An item of the Evals API, whose fields templates name as `item.input` and `item.reference`."""
    return {
        "item": {"input": messages(sample.prompt), "reference": reference(sample), "tag": sample.tag},
        "sample": {"output_text": "" if sample.completion is None else sample.completion.text},
    }


def messages(prompt: Sequence[Message]) -> list[dict[str, Any]]:
    """The prompt's messages; without a question there is nothing to answer."""
    if not prompt:
        raise UnfitError("prompt_empty")
    return [_message(message) for message in prompt]


def answer(message: Message | None) -> dict[str, Any]:
    """An assistant's message; an empty one is unfit."""
    if message is None or message.role != "assistant":
        raise UnfitError("answer_not_by_assistant")
    if not message.text and not message.refusal and not message.tool_calls:
        raise UnfitError("answer_empty")
    return _message(message)


def reference(sample: Sample) -> str:
    """The text of a right answer; its tool calls as JSON where it has no text."""
    message = sample.reference
    if message is None:
        raise UnfitError("no_reference")
    called = [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls]
    return message.text or json.dumps(called, ensure_ascii=False)


def tools(sample: Sample) -> dict[str, Any]:
    """The tools that were offered, where they are the API's."""
    if sample.tools_json is None:
        return {}
    try:
        return {"tools": tool_bodies(decoded(sample.tools_json, "tools_not_understood"))}
    except NotChatError as error:
        raise UnfitError(error.reason) from error


def _without_developer(sample: Sample) -> Sample:
    prompt = [
        msgspec.structs.replace(message, role="system") if message.role == "developer" else message
        for message in sample.prompt
    ]
    return msgspec.structs.replace(sample, prompt=tuple(prompt))


def _message(message: Message) -> dict[str, Any]:
    try:
        return message_body(message)
    except NotChatError as error:
        raise UnfitError(error.reason) from error
