"""Feedback as evaluations: annotator, name, score and label."""

from typing import Any

import pytest

from backtalk.export.origin import Origin, origin
from backtalk.export.verdicts import carrier_of, event_of
from backtalk.model.facts import FeedbackGiven
from backtalk.model.feedback import CallNamed
from backtalk.model.ids import CallKey, new_span_id, new_trace_id
from backtalk.plugin.feedback_verdicts import of_feedback
from backtalk.plugin.verdicts import Verdict
from backtalk.settings.metrics import FeedbackSource
from backtalk.testing.facts import feedback


@pytest.fixture(scope="module")
def ours() -> Origin:
    """A resource and a scope."""
    return origin()


def _whole_key(given: FeedbackGiven) -> CallKey | None:
    """Knows a call only where both ids are named."""
    if given.target_trace_id is None or given.target_span_id is None:
        return None
    return CallKey(given.target_trace_id, given.target_span_id)


def _verdict(given: FeedbackGiven, *, content: bool = False) -> Verdict:
    (verdict,) = of_feedback(given, _whole_key, content=content)
    return verdict


def _carrier(given: FeedbackGiven, ours: Origin, *, content: bool = False) -> dict[str, Any]:
    return dict(carrier_of(_verdict(given, content=content), ours).attributes or {})


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
        ("outcome", "true", 1.0, "true"),
        ("outcome", "false", 0.0, "false"),
        ("outcome", "12.5", 12.5, None),
        ("outcome", '"refunded"', None, "refunded"),
        ("outcome", "null", None, None),
        ("label", '"unsafe"', None, "unsafe"),
        ("label", "3", 3.0, None),
        ("event", '"copied"', None, "copied"),
        ("survey", '{"answers":{"easy":true},"state":"answered"}', None, "answered"),
        ("survey", '{"answers":{},"state":"declined"}', None, "declined"),
    ],
)
def test_feedback_in_the_words_of_both_conventions(
    ours: Origin, kind: str, value: str, score: float | None, label: str | None
) -> None:
    """Score and label are the same in OpenTelemetry's and in OpenInference's words; null is no score."""
    found = _carrier(feedback(kind=kind, value_json=value, metric="m"), ours)
    assert found.get("gen_ai.evaluation.score.value") == score
    assert found.get("gen_ai.evaluation.score.label") == label
    assert found.get("annotations.0.annotation.score") == score
    assert found.get("annotations.0.annotation.label") == label
    assert found["annotations.0.annotation.name"] == found["gen_ai.evaluation.name"] == "m"


@pytest.mark.parametrize(
    ("source", "annotator"),
    [("end_user", "HUMAN"), ("reviewer", "HUMAN"), ("model_judge", "LLM"), ("system", "CODE")],
)
def test_annotator_is_the_facts_source(ours: Origin, source: FeedbackSource, annotator: str) -> None:
    """A ticket system is no person, and a model that judges is told from both."""
    found = _carrier(feedback(source=source), ours)
    assert found["annotations.0.annotation.annotator_kind"] == annotator
    assert found["backtalk.feedback.source"] == source


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "user_feedback"),
        ({"metric": "csat"}, "csat"),
        ({"source": "reviewer"}, "rating"),
        ({"kind": "label", "value_json": "1", "source": "reviewer", "rubric": "tone"}, "tone"),
        ({"kind": "event", "value_json": '"copied"'}, "event"),
    ],
)
def test_name_tells_apart_what_must_not_be_averaged(changes: dict[str, Any], name: str) -> None:
    """Metric, else rubric, else what users say in common, else the kind."""
    assert _verdict(feedback(**changes)).name == name


def test_score_comes_with_its_range(ours: Origin) -> None:
    """A 4 means little without the 5; a metric's own range is in the fact."""
    found = _carrier(feedback(kind="score", value_json="4", range=(1.0, 5.0), direction="higher"), ours)
    assert (found["backtalk.feedback.range.low"], found["backtalk.feedback.range.high"]) == (1.0, 5.0)
    assert found["backtalk.feedback.direction"] == "higher"


def test_what_a_person_wrote_goes_along_only_when_content_is_on(ours: Origin) -> None:
    """Comments, corrections and the texts of surveys are content; what was chosen is not."""
    fact = feedback(kind="correction", value_json='"my address is X"', comment="call me at Y")
    assert "my address" not in str(_carrier(fact, ours))
    assert "call me" not in str(_carrier(fact, ours))
    assert _carrier(fact, ours, content=True)["gen_ai.evaluation.explanation"] == "call me at Y"
    survey = feedback(kind="survey", value_json='{"answers":{"easy":true,"why":"I live at X"},"state":"answered"}')
    assert _carrier(survey, ours)["backtalk.feedback.answers"] == '{"easy":true}'
    assert "I live" not in str(_carrier(survey, ours))
    assert "I live" in str(_carrier(survey, ours, content=True))


def test_ranking_is_a_verdict_on_each_call(ours: Origin) -> None:
    """The best has 1 and the last 0; ties share a place; each carrier links to its own call, under its own id."""
    keys = [CallKey(new_trace_id(), new_span_id()) for _ in range(3)]
    calls = tuple(CallNamed(*key, rank=rank) for key, rank in zip(keys, (0, 1, 1), strict=True))
    fact = feedback(kind="ranking", value_json="{}", calls=calls)
    found = of_feedback(fact, _whole_key)
    assert [(one.target, one.score, one.label) for one in found] == [
        (keys[0], 1.0, "1 of 2"), (keys[1], 0.0, "2 of 2"), (keys[2], 0.0, "2 of 2"),
    ]  # fmt: skip
    contexts = [carrier_of(one, ours).context for one in found]
    assert len({context.span_id for context in contexts if context}) == 3
    assert {one.identifier for one in found} == {fact.feedback_id}


def test_one_thumb_on_several_calls_is_said_of_each() -> None:
    """A call that is not known has no link and is still told of."""
    known = CallKey(new_trace_id(), new_span_id())
    fact = feedback(calls=(CallNamed(*known), CallNamed(response_id="chatcmpl-1")))
    found = of_feedback(fact, _whole_key)
    assert [(one.target, one.response_id, one.score) for one in found] == [
        (known, None, 1.0), (None, "chatcmpl-1", 1.0),
    ]  # fmt: skip


def test_retraction_is_no_verdict_of_its_own(ours: Origin) -> None:
    """The carrier says what is withdrawn; nothing in it can be averaged."""
    found = _carrier(feedback(kind="retraction", value_json="null", supersedes="f1"), ours)
    assert found["backtalk.feedback.withdraws"] == "f1"
    assert not [name for name in found if "evaluation" in name or "annotation" in name]
    assert event_of(_verdict(feedback(kind="retraction", value_json="null", supersedes="f1")), ours) is None


def test_successor_says_what_it_replaces(ours: Origin) -> None:
    """Its value is the one that holds now; whoever counts leaves the replaced id out."""
    found = _carrier(feedback(value_json="false", supersedes="f1"), ours)
    assert found["backtalk.feedback.replaces"] == "f1"
    assert found["gen_ai.evaluation.score.value"] == 0.0


def test_unresolved_target_has_attributes_and_no_link(ours: Origin) -> None:
    """What is known of the target is said; nothing is guessed."""
    trace_id = new_trace_id()
    verdict = _verdict(feedback(target_response_id="chatcmpl-1"))
    assert carrier_of(verdict, ours).links == ()
    event = event_of(verdict, ours)
    assert event is not None
    assert not event.log_record.trace_id
    assert _carrier(feedback(target_response_id="chatcmpl-1"), ours)["gen_ai.response.id"] == "chatcmpl-1"
    assert _carrier(feedback(target_trace_id=trace_id), ours)["backtalk.target.trace_id"] == trace_id


def test_feedback_on_a_session_is_of_session_scope(ours: Origin) -> None:
    """OpenInference marks the scope by a prefix."""
    found = _carrier(feedback(target_session_id="s1", metric="csat"), ours)
    assert found["session.annotations.0.annotation.name"] == "csat"
    assert found["session.id"] == "s1"


@pytest.mark.parametrize(
    ("kind", "value", "flag"),
    [("rating", "false", False), ("outcome", "true", True), ("score", "1", None), ("outcome", '"won"', None)],
)
def test_yes_and_no_are_flags(kind: str, value: str, flag: bool | None) -> None:
    """For backends whose values have a type of their own for them."""
    (verdict,) = of_feedback(feedback(kind=kind, value_json=value), lambda _: None)
    assert verdict.flag is flag
