"""Signals and feedback of every kind, in the words that backends share."""

from typing import Any

import msgspec
import pytest

from backtalk.model.feedback import CallNamed
from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.plugin.verdicts import TEXT_LIMIT, of_feedback, of_signal
from backtalk.testing import factories
from backtalk.testing.facts import feedback, signal

ABOUT = factories.call_key()


def given(kind: str, value: object, **changes: Any) -> Any:
    """A feedback with this value."""
    return feedback(kind=kind, value_json=msgspec.json.encode(value).decode(), **changes)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("rating", True, (True, 1.0, "thumbs_up")),
        ("rating", False, (False, 0.0, "thumbs_down")),
        ("score", 3, (None, 3.0, None)),
        ("comment", "rude", (None, None, "comment")),
        ("correction", "It is 4.", (None, None, "correction")),
        ("outcome", True, (True, 1.0, "true")),
        ("outcome", 0.25, (None, 0.25, None)),
        ("outcome", "reopened", (None, None, "reopened")),
        ("label", None, (None, None, "not_told")),
        ("event", "copied", (None, None, "copied")),
        ("survey", {"state": "answered", "answers": {"why": "rude"}}, (None, None, "answered")),
    ],
)
def test_each_kind_has_its_flag_score_and_label(kind: str, value: object, expected: tuple[object, ...]) -> None:
    """What a person wrote is never a label, and without content never an explanation either."""
    verdict = of_feedback(given(kind, value), ABOUT)
    assert (verdict.flag, verdict.score, verdict.label) == expected
    assert verdict.explanation is None


@pytest.mark.parametrize(
    ("kind", "value", "comment", "expected"),
    [
        ("comment", "rude", None, "rude"),
        ("correction", "It is 4.", "because", "It is 4.\nbecause"),
        ("rating", False, "wrong", "wrong"),
        ("correction", {"content": "4"}, None, '{"content":"4"}'),
        ("rating", False, None, None),
        ("comment", "a" * (TEXT_LIMIT + 1), None, "a" * TEXT_LIMIT),
    ],
)
def test_with_content_what_was_written_is_the_explanation(
    kind: str, value: object, comment: str | None, expected: str | None
) -> None:
    """Value and comment, cut."""
    assert of_feedback(given(kind, value, comment=comment), ABOUT, content=True).explanation == expected


def test_a_ranking_gives_each_call_its_rank() -> None:
    """Counted from one, with an identity of its own."""
    calls = tuple(CallNamed(TraceId("a" * 32), SpanId(letter * 16), rank=rank) for rank, letter in enumerate("ab"))
    ranking = given("ranking", {}, calls=calls)
    found = [of_feedback(ranking, CallKey(TraceId("a" * 32), SpanId("b" * 16)), item=item) for item in (0, 1)]
    assert [verdict.label for verdict in found] == ["rank_1", "rank_2"]
    assert len({verdict.key for verdict in found}) == 2


@pytest.mark.parametrize(
    ("source", "annotator"),
    [("end_user", "HUMAN"), ("reviewer", "HUMAN"), ("system", "CODE"), ("model_judge", "LLM")],
)
def test_the_source_says_who_judges(source: str, annotator: str) -> None:
    """It follows from the credential."""
    assert of_feedback(given("rating", True, source=source), ABOUT).annotator == annotator


@pytest.mark.parametrize(("provenance", "annotator"), [("structural", "CODE"), ("lexical", "CODE"), ("llm", "LLM")])
def test_a_signals_provenance_says_who_judges(provenance: str, annotator: str) -> None:
    """A model's verdict is a model's."""
    assert of_signal(signal(ABOUT, provenance=provenance)).annotator == annotator


def test_a_signals_texts_stay_without_content() -> None:
    """Evidence whose name ends in `_text` goes along only with content."""
    found = signal(ABOUT, evidence={"rule": "cue", "said_text": "secret"})
    plain = dict(of_signal(found).details)["backtalk.signal.evidence"]
    assert plain == '{"rule":"cue"}'
    assert "secret" in str(dict(of_signal(found, content=True).details)["backtalk.signal.evidence"])


def test_a_verdict_has_one_value() -> None:
    """A flag, else a score, else a label."""
    assert of_feedback(given("rating", False), ABOUT).value is False
    assert of_feedback(given("score", 2), ABOUT).value == 2.0
    assert of_feedback(given("event", "copied"), ABOUT).value == "copied"
