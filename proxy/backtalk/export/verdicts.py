"""What was said of a call, as telemetry: a carrier span that links to it, and a log event that bears its ids.

Pure: verdicts in (`backtalk.plugin` makes them of signals and feedback), finished records out. The judged span has
long ended and is never touched; the carrier lives in a trace of its own with exactly one link. Its ids are made from
the fact's id, so a repeat is the same span.
"""

import hashlib
from typing import Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, NonRecordingSpan, SpanKind, set_span_in_context
from opentelemetry.trace.status import Status, StatusCode

from backtalk.export.origin import Origin, context
from backtalk.export.parameters import AttributeValue
from backtalk.plugin.verdicts import Verdict

EVENT: Final = "gen_ai.evaluation.result"
"""The name of the log event."""

Attributes = dict[str, AttributeValue]


def carrier_of(verdict: Verdict, origin: Origin, words: Attributes | None = None) -> ReadableSpan:
    """The carrier span; `words` are those of the judged call, where its own span had none."""
    digest, target = _digest(verdict), verdict.target
    judged = _evaluation(verdict) | _annotation(verdict) | _target(verdict) | (words or {})
    return ReadableSpan(
        f"{verdict.origin} {verdict.name}",
        context(digest[:32], digest[32:]),
        None,
        origin.resource,
        _withdrawal(verdict) if verdict.withdraws else judged,
        links=[Link(context(target.trace_id, target.span_id))] if target else (),
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.UNSET),
        start_time=verdict.time_ns,
        end_time=verdict.time_ns,
        instrumentation_scope=origin.scope,
    )


def child_of(verdict: Verdict, ended_ns: int, origin: Origin) -> ReadableSpan:
    """The same once more in the judged trace, for backends that show one trace at a time; needs a target.

    It begins and ends where the judged call ended, so that no trace seems to last until somebody spoke of it.
    """
    if verdict.target is None:
        raise ValueError("a verdict without a target has no trace to be put into")
    trace_id, span_id = verdict.target
    return ReadableSpan(
        f"{verdict.origin} {verdict.name}",
        context(trace_id, _digest(verdict)[:16]),
        context(trace_id, span_id),
        origin.resource,
        _evaluation(verdict) | _target(verdict),
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.UNSET),
        start_time=ended_ns,
        end_time=ended_ns,
        instrumentation_scope=origin.scope,
    )


def event_of(verdict: Verdict, origin: Origin) -> ReadableLogRecord | None:
    """The log event; its trace and span are the judged call's where that is known. None where nothing is judged."""
    if verdict.withdraws:
        return None
    target = verdict.target
    where = set_span_in_context(NonRecordingSpan(context(target.trace_id, target.span_id))) if target else None
    record = LogRecord(
        timestamp=verdict.time_ns,
        observed_timestamp=verdict.time_ns,
        context=where,
        severity_number=SeverityNumber.INFO,
        severity_text="INFO",
        attributes=_evaluation(verdict) | _target(verdict),
        event_name=EVENT,
    )
    return ReadableLogRecord(record, origin.resource, origin.scope)


def _digest(verdict: Verdict) -> str:
    """The carrier's ids, from the fact's own: the same for a repeat."""
    return hashlib.blake2b(f"{verdict.origin}\0{verdict.id}".encode(), digest_size=24).hexdigest()


def _withdrawal(verdict: Verdict) -> Attributes:
    names = {"id": verdict.id, "kind": verdict.kind, "withdraws": verdict.withdraws or ""}
    return {f"backtalk.{verdict.origin}.{name}": value for name, value in names.items()} | dict(verdict.details)


def _evaluation(verdict: Verdict) -> Attributes:
    found: Attributes = {
        "gen_ai.evaluation.name": verdict.name,
        f"backtalk.{verdict.origin}.id": verdict.id,
        f"backtalk.{verdict.origin}.kind": verdict.kind,
        f"backtalk.{verdict.origin}.source": verdict.annotator,
    }
    if verdict.score is not None:
        found["gen_ai.evaluation.score.value"] = verdict.score
    if verdict.label is not None:
        found["gen_ai.evaluation.score.label"] = verdict.label
    if verdict.explanation is not None:
        found["gen_ai.evaluation.explanation"] = verdict.explanation
    return found | dict(verdict.details)


def _annotation(verdict: Verdict) -> Attributes:
    """The same in OpenInference's words."""
    prefix = f"{verdict.scope}annotations.0.annotation"
    found: Attributes = {
        "openinference.span.kind": "EVALUATOR",
        f"{prefix}.name": verdict.name,
        f"{prefix}.annotator_kind": verdict.annotator,
        f"{prefix}.identifier": verdict.identifier,
    }
    if verdict.score is not None:
        found[f"{prefix}.score"] = verdict.score
    if verdict.label is not None:
        found[f"{prefix}.label"] = verdict.label
    if verdict.explanation is not None:
        found[f"{prefix}.explanation"] = verdict.explanation
    return found


def _target(verdict: Verdict) -> Attributes:
    """The judged call once more as plain attributes, for backends that lose links."""
    found: Attributes = {}
    if verdict.target is not None:
        found["backtalk.target.trace_id"] = verdict.target.trace_id
        found["backtalk.target.span_id"] = verdict.target.span_id
    elif verdict.target_trace_id is not None:
        found["backtalk.target.trace_id"] = verdict.target_trace_id
    if verdict.response_id is not None:
        found["gen_ai.response.id"] = verdict.response_id
    if verdict.session_id is not None:
        found["session.id"] = verdict.session_id
    return found
