"""Words of a call that come after its span: with the carrier of what was said of it, or as the conventions' event.

Pure. A span that has ended is never sent again with other contents, so words that were left out travel with what made
them worth sending.
"""

from typing import Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.trace import NonRecordingSpan, set_span_in_context

from backtalk.export.captured import Capture, as_attributes, as_structure
from backtalk.export.model_calls import model_attributes
from backtalk.export.origin import Origin, context
from backtalk.export.parameters import AttributeValue
from backtalk.model.facts import CallClosed

DETAILS_EVENT: Final = "gen_ai.client.inference.operation.details"
"""The name of the event, in both generations."""
_TARGET: Final = "backtalk.target"


def carried(call: CallClosed, capture: Capture) -> dict[str, AttributeValue]:
    """The words for a carrier span, which is no model call: under `backtalk.target.`, not `gen_ai.`."""
    words = as_attributes(call, capture)
    return {f"{_TARGET}.{name.removeprefix('gen_ai.').removeprefix('backtalk.')}": words[name] for name in words}


def details_event(call: CallClosed, capture: Capture, origin: Origin, said_ns: int) -> ReadableLogRecord:
    """The event: the ids and the time of the call, its attributes and its words as structure."""
    attributes: dict[str, Any] = {**model_attributes(call, origin.generation), **as_structure(call, capture)}
    where = set_span_in_context(NonRecordingSpan(context(call.opened.trace_id, call.opened.span_id)))
    record = LogRecord(
        timestamp=call.opened.opened_ns + max(0, call.duration_ns),
        observed_timestamp=said_ns,
        context=where,
        severity_number=SeverityNumber.DEBUG,
        severity_text="DEBUG",
        attributes=attributes,
        event_name=DETAILS_EVENT,
    )
    return ReadableLogRecord(record, origin.resource, origin.scope)
