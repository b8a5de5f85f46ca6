"""Finds tool use that goes wrong: arguments that are no JSON or break the schema, errors repeated, loops, drift.

All is seen at the end of the call whose answer calls the tool, from its own request and response: the signal is about
the call that shows it. A run is what happened since the person's last message.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

from backtalk.plugin import (
    NOT_JSON,
    CallClosed,
    CallOpened,
    Message,
    Scalar,
    SessionView,
    Signal,
    ToolCall,
    answer_schema,
    breach,
    parsed,
    tool_schemas,
)

_ERROR_WORDS: Final = (
    "error",
    "exception",
    "failed",
    "failure",
    "invalid",
    "not found",
    "denied",
    "timeout",
    "traceback",
)
_ERROR_CHARS: Final = 80
_LOOP: Final = 3
"""The same tool with the same arguments so often in one run is a loop."""
_DRIFT: Final = 4
"""The same tool with ever other arguments, and errors, so often is a search in the dark."""


class ToolUse:
    """Claims what goes wrong between a model and its tools."""

    name: ClassVar[str] = "tool_use"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:  # noqa: ARG002  # the fact says all
        """Look at what the answer calls, and at the run it is part of."""
        if not isinstance(fact, CallClosed) or fact.outcome != "completed":
            return ()
        calls = [call for choice in fact.response.choices for call in choice.tool_calls]
        found = [*_arguments(fact, calls), *_run(fact, calls), *_structured(fact)]
        return tuple({(signal.kind, str(signal.evidence.get("tool"))): signal for signal in found}.values())


def _arguments(fact: CallClosed, calls: Sequence[ToolCall]) -> Iterator[Signal]:
    schemas = tool_schemas(fact.opened.request.tools_json if calls else None)
    for call in calls:
        value = parsed(call.arguments or "{}")
        if value is NOT_JSON:
            yield _signal(fact, "invalid_tool_arguments", 0.99, {"tool": call.name})
        elif schemas and call.name not in schemas:
            yield _signal(fact, "tool_schema_violation", 0.97, {"tool": call.name, "breach": "no such tool"})
        elif wrong := breach(value, schemas.get(call.name)):
            yield _signal(fact, "tool_schema_violation", 0.97, {"tool": call.name, "breach": wrong})


def _run(fact: CallClosed, calls: Sequence[ToolCall]) -> Iterator[Signal]:
    """Compare the answer's calls with those of the run."""
    earlier = list(_steps(fact.opened.request.messages)) if calls else []
    for call in calls:
        same = [(before, result) for before, result in earlier if before.name == call.name]
        failed = [before for before, result in same if _is_error(result)]
        equal = sum(_key(before) == _key(call) for before, _ in same)
        if equal + 1 >= _LOOP:
            yield _signal(fact, "tool_loop", 0.9, {"tool": call.name, "times": equal + 1})
        distinct = {_key(before) for before in failed} | {_key(call)}
        if len(failed) >= _DRIFT - 1 and len(distinct) >= _DRIFT:
            yield _signal(fact, "parameter_drift", 0.8, {"tool": call.name, "times": len(failed) + 1})
        if failed and same[-1][0] is failed[-1]:
            again = _key(failed[-1]) == _key(call)
            evidence: dict[str, Scalar] = {"tool": call.name, "same_arguments": again}
            yield _signal(fact, "tool_error_repeated", 0.9 if again else 0.6, evidence)


def _structured(fact: CallClosed) -> Iterator[Signal]:
    wanted = answer_schema(fact.opened.request.params_json)
    reasons = fact.response.finish_reasons
    if wanted is None or not fact.response.text or any(reason != "stop" for reason in reasons):
        return
    value = parsed(fact.response.text)
    if value is NOT_JSON:
        yield _signal(fact, "invalid_structured_output", 0.99, {"breach": "no JSON"})
    elif wrong := breach(value, wanted):
        yield _signal(fact, "invalid_structured_output", 0.97, {"breach": wrong})


def _steps(messages: Sequence[Message]) -> Iterator[tuple[ToolCall, str]]:
    """The tool calls since the last user message, each with its result."""
    places = [place for place, message in enumerate(messages) if message.role == "user"]
    run = messages[places[-1] + 1 :] if places else messages
    results = {message.tool_call_id: message.text for message in run if message.role == "tool"}
    for message in run:
        for call in message.tool_calls:
            yield call, results.get(call.id, "")


def _is_error(result: str) -> bool:
    head = result[:_ERROR_CHARS].casefold()
    return any(word in head for word in _ERROR_WORDS) and '"error":null' not in head.replace(" ", "")


def _key(call: ToolCall) -> str:
    """The arguments, whatever the order of their keys."""
    value = parsed(call.arguments or "{}")
    return call.arguments if value is NOT_JSON else json.dumps(value, sort_keys=True)


def _signal(fact: CallClosed, kind: str, probability: float, evidence: Mapping[str, Scalar]) -> Signal:
    return Signal(kind, fact.key, probability, evidence)
