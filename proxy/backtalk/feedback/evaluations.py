"""What others call evaluations and annotations, as feedback: a score, a label, an explanation, under a name.

In: an `Evaluation` that was read from somebody's format. Out: the bodies of feedback, unchecked. The one rule: an
evaluation counts once under its name; where it has a score and a label, the label's metric is the name and `.label`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from backtalk.errors import RequestError

_NOT_A_METRIC: Final = re.compile(r"[^A-Za-z0-9_.:-]", re.ASCII)
_METRIC_CHARS: Final = 64
_LABEL: Final = ".label"


class Evaluation(NamedTuple):
    """One result. `target` are the fields of a feedback that say which call it is about."""

    name: str
    target: Mapping[str, str]
    score: float | None = None
    label: str | None = None
    explanation: str | None = None
    at_s: float | None = None


def as_feedback(found: Evaluation, *, may_label: bool) -> list[dict[str, Any]]:
    """The bodies; a label of somebody who may not label is an outcome's category.

    Raises `RequestError` where nothing is said.
    """
    metric = metric_of(found.name)
    said: list[dict[str, Any]] = []
    if found.score is not None:
        said.append({"kind": "score", "value": found.score, "metric": metric})
    if found.label is not None:
        name = metric if found.score is None else metric[: _METRIC_CHARS - len(_LABEL)] + _LABEL
        said.append({"kind": "label" if may_label else "outcome", "value": found.label, "metric": name})
    if not said and found.explanation:
        said.append({"kind": "comment", "value": found.explanation, "metric": metric})
    if not said:
        message = "an evaluation has a score, a label or an explanation; this one has none"
        raise RequestError(message, code="missing_field", param="score")
    if said[0]["kind"] != "comment" and found.explanation:
        said[0]["comment"] = found.explanation
    common = dict(found.target) | ({} if found.at_s is None else {"at": found.at_s})
    return [one | common | {"id": _same(one, common)} for one in said]


def metric_of(name: str) -> str:
    """A name of somebody's as a metric may be called: other characters become `_`."""
    text = _NOT_A_METRIC.sub("_", name.strip())[:_METRIC_CHARS]
    return text if text[:1].isalpha() else f"m_{text}"[:_METRIC_CHARS]


def _same(one: Mapping[str, Any], common: Mapping[str, Any]) -> str:
    """An idempotency key out of all that is said: senders of these formats repeat what they got no answer to."""
    words = json.dumps([one, common], sort_keys=True, allow_nan=False, default=str)
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
