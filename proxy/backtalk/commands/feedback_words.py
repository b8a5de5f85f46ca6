"""One feedback out of a command's words.

In: a target and the options of `backtalk feedback`, as given. Out: the JSON that the door takes. The one rule: one
command says one thing; what its value may be, the door judges.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from backtalk.errors import RequestError
from backtalk.model.call_names import target_field


def feedback_body(
    target: str,
    *,
    value: str | None = None,
    score: float | None = None,
    correction: str | None = None,
    outcome: str | None = None,
    event: str | None = None,
    label: str | None = None,
    rubric: str | None = None,
    comment: str | None = None,
    metric: str | None = None,
    rater: str | None = None,
) -> dict[str, Any]:
    """Make the feedback's JSON out of what the person gave; raises `RequestError` unless it is exactly one thing."""
    values: dict[str, Any] = {"score": score, "correction": correction, "event": event}
    given: dict[str, dict[str, Any]] = {kind: {"value": one} for kind, one in values.items() if one is not None}
    if value is not None:
        given["rating"] = {"value": value == "true"}
    if outcome is not None:
        given["outcome"] = _outcome(outcome, metric)
    if label is not None:
        given["label"] = {"value": _judged(label)}
    beside = {"comment": comment, "metric": metric, "rubric": rubric, "rater": rater}
    if not given and comment:
        given["comment"] = {"value": comment}
        del beside["comment"]
    if len(given) != 1:
        message = (
            "give exactly one of --up, --down, --score, --correction, --outcome, --event, --label or a lone --comment"
        )
        raise RequestError(message, code="bad_arguments")
    if rubric is not None and label is None:
        raise RequestError("--rubric stands only beside --label", code="bad_arguments")
    ((kind, said),) = given.items()
    return target_field(target) | {name: text for name, text in beside.items() if text} | {"kind": kind} | said


def check_retraction(target: str | None, said: Mapping[str, Any]) -> None:
    """Raise `RequestError` where something else is said beside --retract."""
    if target is not None or any(one is not None for one in said.values()):
        message = (
            "--retract takes the id of a feedback and stands alone, without a TARGET and without anything else said"
        )
        raise RequestError(message, code="bad_arguments")


def _outcome(text: str, metric: str | None) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        message = f"--outcome must be METRIC=VALUE, like resolved=true, not {text[:80]!r}"
        raise RequestError(message, code="bad_arguments")
    if metric is not None:
        raise RequestError("--outcome names its metric itself; leave --metric out", code="bad_arguments")
    return {"metric": name, "value": _judged(value)}


def _judged(text: str) -> bool | float | str | None:
    """True, false, null (it could not be told) or a number where the text is one, else a category."""
    try:
        read: object = json.loads(text)
    except ValueError:
        return text
    if read is None or isinstance(read, bool | int) or (isinstance(read, float) and math.isfinite(read)):
        return read
    return text
