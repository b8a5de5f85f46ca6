"""Words that come after their span."""

from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import format_span_id, format_trace_id

from backtalk.export.captured import Capture
from backtalk.export.late import DETAILS_EVENT, carried, details_event
from backtalk.export.origin import origin
from backtalk.testing import conventions
from backtalk.testing.facts import START_NS, closed_call

WORDS = Capture("attributes")


def test_carrier_has_words_under_a_name_of_ours() -> None:
    """A carrier is no model call: nothing on it says `gen_ai.input`."""
    found = carried(closed_call(), WORDS)
    assert "What is up?" in str(found["backtalk.target.input.messages"])
    assert "The sky." in str(found["backtalk.target.output.messages"])
    assert all(name.startswith("backtalk.target.") for name in found)


def test_event_is_the_conventions_own_at_the_calls_own_place() -> None:
    """Ids and time of the call, severity DEBUG, words as structure, known names and types."""
    call = closed_call()
    record = details_event(call, WORDS, origin(), START_NS + 9).log_record
    assert record.event_name == DETAILS_EVENT == "gen_ai.client.inference.operation.details"
    assert format_trace_id(record.trace_id or 0) == call.opened.trace_id
    assert format_span_id(record.span_id or 0) == call.opened.span_id
    assert record.timestamp == START_NS + 500_000_000
    assert record.observed_timestamp == START_NS + 9
    assert record.severity_number is SeverityNumber.DEBUG
    found = dict(record.attributes or {})
    plain = {name: value for name, value in found.items() if name != "gen_ai.response.finish_reasons"}
    assert conventions.faults(plain, "v1.41", structured=True) == []
    assert found["gen_ai.operation.name"] == "chat"
