"""Cases for inspect_ai, promptfoo, deepeval and ragas: pure.

In: samples that are cases. Out: lines, or `UnfitError` where a case has no reference.
"""

import json
from typing import Any

from backtalk.datasets.formats.chat import messages, reference
from backtalk.datasets.formats.unfit import UnfitError
from backtalk.plugin import Sample

PROMPTFOO_CONFIG = """# npx promptfoo eval -c promptfooconfig.yaml, with a provider of your own.
description: {name}
prompts:
  - file://prompt.json
providers:
  - echo
tests:
{tests}
"""


def inspect_ai(sample: Sample) -> dict[str, Any]:
    """A sample: the conversation as `input`, the right answer as `target`."""
    shaped = [_inspect_message(message) for message in messages(sample.prompt)]
    return {"input": shaped, "target": reference(sample), "metadata": {"tag": sample.tag, "weight": _weight(sample)}}


def promptfoo(sample: Sample) -> dict[str, Any]:
    """A test: the conversation as `messages`, and a rubric that compares the answer with the reference."""
    right = reference(sample)
    return {
        "description": sample.tag,
        "vars": {"messages": json.dumps(messages(sample.prompt), ensure_ascii=False), "reference": right},
        "assert": [{"type": "llm-rubric", "value": _rubric(right)}],
        "metadata": {"tag": sample.tag, "weight": _weight(sample)},
    }


def deepeval(sample: Sample) -> dict[str, Any]:
    """A golden: question, right answer, what the model said, and the conversation before as context."""
    *before, last = messages(sample.prompt)
    if last["role"] != "user":
        raise UnfitError("last_turn_not_by_user")
    return {
        "input": last["content"],
        "expected_output": reference(sample),
        "actual_output": "" if sample.completion is None else sample.completion.text,
        "context": [f"{one['role']}: {one['content']}" for one in before] or None,
        "additional_metadata": {"tag": sample.tag, "weight": _weight(sample)},
    }


def ragas(sample: Sample) -> dict[str, Any]:
    """A single-turn sample: question, response, reference."""
    last = messages(sample.prompt)[-1]
    if last["role"] != "user":
        raise UnfitError("last_turn_not_by_user")
    return {
        "user_input": last["content"],
        "response": "" if sample.completion is None else sample.completion.text,
        "reference": reference(sample),
    }


def _rubric(right: str) -> str:
    return f"The answer says the same as this one: {right}"


def _weight(sample: Sample) -> float:
    return round(sample.weight, 6)


def _inspect_message(message: dict[str, Any]) -> dict[str, Any]:
    """inspect_ai parses arguments itself and names the function of a call directly."""
    if message["role"] == "developer":
        return message | {"role": "system"}
    calls = message.get("tool_calls")
    if not calls:
        return message
    return message | {"tool_calls": [_inspect_call(call) for call in calls]}


def _inspect_call(call: dict[str, Any]) -> dict[str, Any]:
    try:
        arguments: object = json.loads(call["function"]["arguments"])
    except ValueError as error:
        raise UnfitError("tool_arguments_not_json") from error
    return {"id": call["id"], "function": call["function"]["name"], "arguments": arguments, "type": "function"}
