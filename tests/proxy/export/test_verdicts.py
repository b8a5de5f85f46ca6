"""Signals and feedback as carrier span and log event."""

from typing import Any

import msgspec
import pytest
from opentelemetry.trace import format_span_id, format_trace_id

from backtalk.export.origin import Origin, origin
from backtalk.export.verdicts import EVENT, Verdict, carrier_of, event_of, of_feedback, of_signal
from backtalk.model.ids import CallKey, new_span_id, new_trace_id
from backtalk.testing.facts import feedback, signal


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
    record = event_of(of_signal(signal(about)), ours).log_record
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


@pytest.mark.parametrize(
    ("kind", "value", "score", "label"),
    [
        ("rating", "true", 1.0, "thumbs_up"),
        ("rating", "false", 0.0, "thumbs_down"),
        ("score", "0.25", 0.25, None),
        ("score", "4", 4.0, None),
        ("comment", '"nice"', None, "comment"),
        ("correction", '{"role":"assistant","content":"Paris"}', None, "correction"),
        ("rating", "broken", None, "rating"),
    ],
)
def test_feedback_in_the_words_of_both_conventions(
    ours: Origin, kind: str, value: str, score: float | None, label: str | None
) -> None:
    """Score and label are the same in OpenTelemetry's and in OpenInference's words."""
    found = _carrier(of_feedback(feedback(kind=kind, value_json=value), _key()), ours)
    assert found.get("gen_ai.evaluation.score.value") == score
    assert found.get("gen_ai.evaluation.score.label") == label
    assert found.get("annotations.0.annotation.score") == score
    assert found.get("annotations.0.annotation.label") == label
    assert found["annotations.0.annotation.annotator_kind"] == "HUMAN"
    assert found["annotations.0.annotation.name"] == found["gen_ai.evaluation.name"] == "user_feedback"


def test_what_a_person_wrote_goes_along_only_when_content_is_on(ours: Origin) -> None:
    """Comments and corrections are content."""
    fact = feedback(kind="correction", value_json='"my address is X"', comment="call me at Y")
    assert "my address" not in str(_carrier(of_feedback(fact, None), ours))
    assert "call me" not in str(_carrier(of_feedback(fact, None), ours))
    assert _carrier(of_feedback(fact, None, content=True), ours)["gen_ai.evaluation.explanation"] == "call me at Y"


def test_texts_of_evidence_go_along_only_when_content_is_on(ours: Origin) -> None:
    """An edited answer is content; the rule that fired is not."""
    fact = msgspec.structs.replace(signal(_key()), evidence={"edited_text": "my address is X", "rule": "edit"})
    assert _carrier(of_signal(fact), ours)["backtalk.signal.evidence"] == '{"rule":"edit"}'
    assert "my address" in str(_carrier(of_signal(fact, content=True), ours))


def test_a_models_verdict_is_told_from_codes() -> None:
    """Whoever reads it must know that a model judged."""
    assert of_signal(msgspec.structs.replace(signal(_key()), provenance="llm")).annotator == "LLM"
    assert of_signal(signal(_key())).annotator == "CODE"


def test_unresolved_target_has_attributes_and_no_link(ours: Origin) -> None:
    """What is known of the target is said; nothing is guessed."""
    trace_id = new_trace_id()
    verdict = of_feedback(feedback(target_response_id="chatcmpl-1"), None)
    assert carrier_of(verdict, ours).links == ()
    assert _carrier(verdict, ours)["gen_ai.response.id"] == "chatcmpl-1"
    assert not event_of(verdict, ours).log_record.trace_id
    verdict = of_feedback(feedback(target_trace_id=trace_id), None)
    assert _carrier(verdict, ours)["backtalk.target.trace_id"] == trace_id


def test_feedback_on_a_session_is_of_session_scope(ours: Origin) -> None:
    """OpenInference marks the scope by a prefix."""
    found = _carrier(of_feedback(feedback(target_session_id="s1", metric="csat"), None), ours)
    assert found["session.annotations.0.annotation.name"] == "csat"
    assert found["session.id"] == "s1"
