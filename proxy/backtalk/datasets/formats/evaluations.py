"""Cases for inspect_ai, promptfoo, deepeval and ragas: pure.

In: samples that are cases. Out: lines, or `UnfitError` where a case has no reference. The one rule: what somebody wrote
stays a text. promptfoo renders every string as a template, which can run code, and reads files that a string names as
`file://`; so it gets texts as JSON only, in which nothing begins a template and which is no name of a file.
"""

import json
import re
from typing import Any, Final

from backtalk.datasets.formats.chat import messages, reference
from backtalk.datasets.formats.embedded import decoded
from backtalk.datasets.formats.unfit import UnfitError
from backtalk.plugin import Sample

PROMPTFOO_CONFIG: Final = """# npx promptfoo eval -c promptfooconfig.yaml, with a provider of your own.
description: {name}
prompts:
  - file://prompt.json
providers:
  - echo
tests:
{tests}
"""
_RUBRIC: Final = "The answer says the same as this one: {{ reference | load }}"
_TEMPLATE_MARKS: Final = re.compile(r"\{(?=[{%#])|#(?=\})")
"""What begins a template's expression, block or comment, and what ends a comment, which is refused without a begin."""


def inspect_ai(sample: Sample) -> dict[str, Any]:
    """A sample: the conversation as `input`, the right answer as `target`."""
    shaped = [_inspect_message(message) for message in messages(sample.prompt)]
    return {"input": shaped, "target": reference(sample), "metadata": {"tag": sample.tag, "weight": _weight(sample)}}


def promptfoo(sample: Sample) -> dict[str, Any]:
    """A test: the conversation and the reference as JSON, and a rubric that compares the answer with the reference."""
    return {
        "description": sample.tag,
        "vars": {"messages": _inert(messages(sample.prompt)), "reference": _inert(reference(sample))},
        "assert": [{"type": "llm-rubric", "value": _RUBRIC}],
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


def _inert(value: Any) -> str:
    """JSON in which every mark of a template is written as its number; no mark is ever a part of JSON itself."""
    return _TEMPLATE_MARKS.sub(lambda mark: f"\\u{ord(mark[0]):04x}", json.dumps(value, ensure_ascii=False))


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
    arguments = decoded(call["function"]["arguments"], "tool_arguments_not_json")
    if not isinstance(arguments, dict):
        raise UnfitError("tool_arguments_not_json")
    return {"id": call["id"], "function": call["function"]["name"], "arguments": arguments, "type": "function"}
