"""Whether a checked feedback is let in: by who sends it, and by what the settings declare.

In: a body, who stands behind it, and the declared metrics. Out: the body with its rater as a pseudonym, or a
`RequestError`. What only the call can tell is judged where feedback and call meet (`ledger.judging`).
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from backtalk.errors import RequestError
from backtalk.feedback.refusal import nearest, wrong
from backtalk.feedback.strict_json import kind_of, shown
from backtalk.model.feedback import FeedbackBody, FeedbackChannel
from backtalk.model.ids import keyed_hash
from backtalk.settings.metrics import FeedbackSource, MetricSettings

LABELLERS: Final[frozenset[FeedbackSource]] = frozenset(("reviewer", "model_judge"))
"""Who may label."""
_TYPES: Final = {"boolean": bool, "number": float, "category": str}


class Speaker(NamedTuple):
    """Who sends a feedback, from its credential alone. `key_id` is the virtual key's, empty for none."""

    tenant: str
    source: FeedbackSource
    key_id: str = ""
    channel: FeedbackChannel = "api"


def admit(
    body: FeedbackBody,
    speaker: Speaker,
    *,
    secret: bytes,
    declared: Mapping[str, MetricSettings],
    declared_only: bool = False,
) -> FeedbackBody:
    """The body as the spool keeps it; raises `RequestError` where it may not be said so."""
    if body.kind == "label" and speaker.source not in LABELLERS:
        message = f"a label is a reviewer's or a judge's; this credential speaks for {speaker.source}"
        raise RequestError(message, code="label_not_allowed", status=403, param="kind")
    if body.metric is not None:
        check_metric(body, declared, declared_only=declared_only)
    if body.rater is None:
        return body
    return msgspec.structs.replace(body, rater=pseudonym(secret, speaker.tenant, body.rater))


def pseudonym(secret: bytes, tenant: str, rater: str) -> str:
    """What is kept of a rater's name: the same for one name within a tenant, and for nobody else."""
    return keyed_hash(secret, b"rater", tenant.encode(), rater.encode())


def check_metric(body: FeedbackBody, declared: Mapping[str, MetricSettings], *, declared_only: bool = False) -> None:
    """Hold a value against its metric's declaration; a metric without one is free unless `declared_only`."""
    metric = declared.get(body.metric or "")
    if metric is None:
        if declared_only:
            near = nearest(str(body.metric), declared) or f"; declared are {', '.join(declared) or 'none'}"
            raise wrong("metric", f"metric {shown(str(body.metric))} is not declared{near}", code="unknown_metric")
        return
    if body.kind in ("rating", "score", "outcome", "label"):
        _check_value(body, metric)


def _check_value(body: FeedbackBody, metric: MetricSettings) -> None:
    value: object = body.value
    if value is None:
        return
    if not isinstance(value, _TYPES[metric.value]):
        raise wrong("value", f"the metric {body.metric} takes a {metric.value}, not {kind_of(value)}")
    if metric.categories and value not in metric.categories:
        near = nearest(str(value), metric.categories)
        allowed = ", ".join(metric.categories)
        raise wrong("value", f"{shown(str(value))} is no category of {body.metric}{near}; allowed are {allowed}")
    if metric.range is None:
        return
    if body.range is not None and body.range != metric.range:
        raise wrong("range", f"the range of {body.metric} is declared: {_words(metric.range)}; leave it out")
    if isinstance(value, float) and not metric.range[0] <= value <= metric.range[1]:
        raise wrong("value", f"the value of {body.metric} must be {_words(metric.range)}, not {value:g}")


def _words(span: tuple[float, float]) -> str:
    return f"from {span[0]:g} to {span[1]:g}"
