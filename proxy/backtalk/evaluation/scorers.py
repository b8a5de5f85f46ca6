"""Scorers that need no model: pure functions from a case and an answer to a score.

In: a case, the answer's message. Out: a score between 0 and 1, or None where a scorer has nothing to say of the case.
The one rule: what counts as equal is stated here and nowhere else.
"""

import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from backtalk.model.chat import Message, ToolCall
from backtalk.model.json_schema import NOT_JSON, breach, parsed
from backtalk.model.offered import tool_schemas


def normalised(text: str) -> str:
    """A text as it is compared: NFKC, case folded, each run of white space one space, none at the ends."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def exact(reference: Message | None, answer: Message, **_: Any) -> float | None:
    """Whether the answer is the reference, normalised; nothing to say where the reference has no text."""
    if reference is None or not reference.text.strip():
        return None
    return float(normalised(answer.text) == normalised(reference.text))


def includes(reference: Message | None, answer: Message, **_: Any) -> float | None:
    """Whether the reference stands in the answer, both normalised."""
    if reference is None or not reference.text.strip():
        return None
    return float(normalised(reference.text) in normalised(answer.text))


def json_schema(
    reference: Message | None,
    answer: Message,
    *,
    tools_json: str | None = None,
    schema: Mapping[str, Any] | None = None,
) -> float | None:
    """Whether each tool call keeps its tool's schema and, where one is given, the text keeps the answer's."""
    del reference
    if answer.tool_calls and tools_json is not None:
        known = tool_schemas(tools_json)
        return float(all(_keeps(call, known) for call in answer.tool_calls))
    if schema is None:
        return None
    value = parsed(answer.text)
    return float(value is not NOT_JSON and breach(value, schema) is None)


def tool_calls(reference: Message | None, answer: Message, **_: Any) -> float | None:
    """Whether the same tools are called in the same order with equal arguments, as JSON values.

    Nothing to say where neither the reference nor the answer calls one.
    """
    if reference is None or not (reference.tool_calls or answer.tool_calls):
        return None
    return float([_called(call) for call in reference.tool_calls] == [_called(call) for call in answer.tool_calls])


Scorer = Callable[..., float | None]
SCORERS: Final[Mapping[str, Scorer]] = {
    "exact": exact,
    "includes": includes,
    "json_schema": json_schema,
    "tool_calls": tool_calls,
}
"""By name."""


def _keeps(call: ToolCall, known: Mapping[str, object]) -> bool:
    value = parsed(call.arguments)
    return call.name in known and value is not NOT_JSON and breach(value, known[call.name]) is None


def _called(call: ToolCall) -> tuple[str, str]:
    """A call by its name and its arguments as JSON with sorted keys; arguments that are no JSON as they are."""
    value = parsed(call.arguments or "{}")
    return call.name, call.arguments if value is NOT_JSON else json.dumps(value, sort_keys=True)
