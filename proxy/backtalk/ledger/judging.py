"""What only the call can tell of a feedback: whether it can be about it. Pure, the same for every reader.

In: a feedback's row, the row of the call that it is about, and that call's messages. Out: why it is rejected, or None.
What is not known (content that is not kept, a schema's finer parts) rejects nothing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from backtalk.ledger.schema import Row
from backtalk.model.json_schema import NOT_JSON, breach, parsed
from backtalk.model.offered import answer_schema, tool_schemas


class Rejected(NamedTuple):
    """A stable reason, and a sentence that helps."""

    reason: str
    message: str


FOREIGN: Final = Rejected(
    "foreign_tenant", "the trace was made with another credential; send feedback with the call's own"
)
"""What is about another tenant's trace alone."""


def judge(feedback: Row, call: Row, messages: Mapping[str, Row]) -> Rejected | None:
    """Why a feedback about a call cannot count."""
    answers: Sequence[str] = call.get("answer_ids") or ()
    choice = int(feedback.get("choice") or 0)
    if answers and choice >= len(answers):
        return Rejected(
            "choice_out_of_range", f"the call has {len(answers)} answers, counted from 0; there is no {choice}"
        )
    return _of_span(feedback, messages.get(answers[choice]) if answers else None) or _of_correction(
        feedback, call, messages
    )


def foreign(feedback: Row, calls: Sequence[Row]) -> Rejected | None:
    """Whether the trace that it names is another tenant's alone; a provider's own id is too short a secret to tell."""
    named = [call for call in calls if call["trace_id"] == feedback.get("trace_id")]
    if not named or any(call.get("tenant") == feedback["tenant"] for call in named):
        return None
    return FOREIGN


def _of_span(feedback: Row, answer: Row | None) -> Rejected | None:
    end = feedback.get("span_end")
    if end is None or answer is None or answer.get("char_count") is None or end <= answer["char_count"]:
        return None
    return Rejected("span_out_of_bounds", f"the answer has {answer['char_count']} characters; the span ends at {end}")


def _of_correction(feedback: Row, call: Row, messages: Mapping[str, Row]) -> Rejected | None:
    if feedback["kind"] != "correction" or feedback.get("value_json") is None:
        return None
    said: object = json.loads(feedback["value_json"])
    message = cast("dict[str, Any]", said) if isinstance(said, dict) else {"content": said}
    called = cast("list[Any]", message.get("tool_calls") or [])
    if called:
        return _of_tool_calls(called, call, messages)
    content = message.get("content")
    return _of_format(content, call) if isinstance(content, str) else None


def _of_tool_calls(called: Sequence[Any], call: Row, messages: Mapping[str, Row]) -> Rejected | None:
    tools_id = call.get("tools_id")
    kept = messages.get(tools_id, {}).get("json") if tools_id else None
    if tools_id and kept is None:
        return None
    offered = tool_schemas(json.loads(kept)["text"] if kept else None)
    for each in called:
        name, arguments = each["function"]["name"], parsed(each["function"]["arguments"] or "{}")
        if name not in offered:
            known = ", ".join(offered) or "none"
            return Rejected("tool_not_offered", f"the call offered no tool {json.dumps(name)}; offered were {known}")
        broken = "it is not JSON" if arguments is NOT_JSON else breach(arguments, offered[name])
        if broken is not None:
            return Rejected("tool_arguments_invalid", f"the arguments of {name} break its schema: {broken}")
    return None


def _of_format(text: str, call: Row) -> Rejected | None:
    wanted = answer_schema(call.get("params_json") or "")
    if wanted is None:
        return None
    value = parsed(text)
    broken = "it is not JSON" if value is NOT_JSON else breach(value, wanted)
    return None if broken is None else Rejected("response_format_broken", f"the call wanted another form: {broken}")
