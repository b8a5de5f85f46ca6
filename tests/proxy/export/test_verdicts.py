"""Verdicts as carrier span and log event."""

from typing import Any

import msgspec
import pytest
from opentelemetry.trace import format_span_id, format_trace_id

from backtalk.export.origin import Origin, origin
from backtalk.export.verdicts import EVENT, carrier_of, child_of, event_of
from backtalk.model.ids import CallKey, new_span_id, new_trace_id
from backtalk.plugin.verdicts import Verdict, of_signal
from backtalk.testing import conventions
from backtalk.testing.facts import signal


@pytest.fixture(scope="module")
def ours() -> Origin:
    """A resource and a scope."""
    return origin()


def _key() -> CallKey:
    return CallKey(new_trace_id(), new_span_id())


def _carrier(verdict: Verdict, ours: Origin) -> dict[str, Any]:
    return dict(carrier_of(verdict, ours).attributes or {})


def test_carrier_links_to_the_judged_call_from_a_trace_of_its_own(ours: Origin) -> None:
    """Exactly one link, no parent, and the ids once more as attributes."""
    about = _key()
    span = carrier_of(of_signal(signal(about)), ours)
    (link,) = span.links
    assert format_trace_id(link.context.trace_id) == about.trace_id
    assert format_span_id(link.context.span_id) == about.span_id
    assert span.parent is None
    assert span.context is not None
    assert format_trace_id(span.context.trace_id) != about.trace_id
    found = dict(span.attributes or {})
    assert found["backtalk.target.trace_id"] == about.trace_id
    assert found["backtalk.target.span_id"] == about.span_id
    assert span.start_time == span.end_time


def test_event_bears_the_ids_of_the_judged_span(ours: Origin) -> None:
    """A log backend shows the verdict at the call it is about."""
    about = _key()
    event = event_of(of_signal(signal(about)), ours)
    assert event is not None
    record = event.log_record
    assert record.event_name == EVENT
    assert record.trace_id is not None
    assert record.span_id is not None
    assert format_trace_id(record.trace_id) == about.trace_id
    assert format_span_id(record.span_id) == about.span_id
    assert dict(record.attributes or {})["gen_ai.evaluation.name"] == "regeneration"


def test_repeat_is_the_same_span(ours: Origin) -> None:
    """The ids come from the fact, so a second delivery can be told; another fact has others."""
    fact = signal(_key())
    assert carrier_of(of_signal(fact), ours).context == carrier_of(of_signal(fact), ours).context
    assert carrier_of(of_signal(fact), ours).context != carrier_of(of_signal(signal(fact.about)), ours).context


def test_texts_of_evidence_go_along_only_when_content_is_on(ours: Origin) -> None:
    """An edited answer is content; the rule that fired is not."""
    fact = msgspec.structs.replace(signal(_key()), evidence={"edited_text": "my address is X", "rule": "edit"})
    assert _carrier(of_signal(fact), ours)["backtalk.signal.evidence"] == '{"rule":"edit"}'
    assert "my address" in str(_carrier(of_signal(fact, content=True), ours))


def test_a_models_verdict_is_told_from_codes() -> None:
    """Whoever reads it must know that a model judged."""
    assert of_signal(msgspec.structs.replace(signal(_key()), provenance="llm")).annotator == "LLM"
    assert of_signal(signal(_key())).annotator == "CODE"


def test_what_withdraws_judges_nothing(ours: Origin) -> None:
    """A carrier names what is withdrawn, without a score, a label or an annotator; there is no log event."""
    verdict = Verdict("r1", "feedback", "retraction", "retraction", 1, "HUMAN", "r1", None, withdraws="f1")
    assert _carrier(verdict, ours) == {
        "backtalk.feedback.id": "r1",
        "backtalk.feedback.kind": "retraction",
        "backtalk.feedback.withdraws": "f1",
    }
    assert event_of(verdict, ours) is None


def test_carrier_and_event_keep_to_the_conventions(ours: Origin) -> None:
    """Names and types of what is OpenTelemetry's; the event has what is required of it."""
    verdict = of_signal(signal(_key()))
    assert conventions.faults(_carrier(verdict, ours), "v1.41") == []
    event = event_of(verdict, ours)
    assert event is not None
    found = dict(event.log_record.attributes or {})
    assert conventions.faults(found, "v1.41") == []
    assert found["gen_ai.evaluation.name"]


def test_child_needs_a_trace_to_be_put_into(ours: Origin) -> None:
    """A verdict whose call is not known has none."""
    with pytest.raises(ValueError, match="without a target"):
        child_of(msgspec.structs.replace(of_signal(signal(_key())), target=None), 1, ours)
