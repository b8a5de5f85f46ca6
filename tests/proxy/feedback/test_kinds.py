"""Every kind of feedback: what its model takes, and the schema that says so."""

import json
from typing import Any

import pytest

from backtalk.errors import RequestError
from backtalk.feedback.about import TARGETS
from backtalk.feedback.body import parse
from backtalk.feedback.kinds import KINDS, schema
from backtalk.model.feedback import FeedbackBody, Target, TextSpan, canonical, read

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_OTHER = _TRACE[::-1]
_CALL, _SECOND = {"trace_id": _TRACE}, {"response_id": "r", "choice": 1}

ACCEPTED: list[dict[str, Any]] = [
    {"kind": "rating", "value": False, "choice": 2},
    {"kind": "score", "value": 0, "range": [0, 5], "metric": "stars"},
    {"kind": "comment", "value": "too long", "span": {"start": 0, "end": 12}},
    {"kind": "correction", "value": {"role": "assistant", "content": "Canberra"}},
    {"kind": "survey", "answers": {"helped": True, "stars": 4, "why": "quick", "again": None}},
    {"kind": "survey", "state": "shown"},
    {"kind": "survey", "state": "declined"},
    {"kind": "outcome", "metric": "resolved", "value": False, "at": "2026-11-02T10:00:00+01:00"},
    {"kind": "outcome", "metric": "minutes", "value": 3.5, "level": "session", "at": 1_762_000_000},
    {"kind": "outcome", "metric": "reason", "value": "refunded"},
    {"kind": "outcome", "metric": "resolved", "value": None},
    {"kind": "event", "value": "edited", "distance": 0.25},
    {"kind": "event", "value": "dwell", "duration_s": 12.5},
    {"kind": "label", "value": "unsafe", "rubric": "policy-3"},
    {"kind": "rating", "value": True, "supersedes": "0" * 32},
]


@pytest.mark.parametrize("said", ACCEPTED)
def test_each_kind_takes_what_it_is_for(said: dict[str, Any]) -> None:
    """What was said comes through, and reads back from the spool as it was."""
    body = parse(json.dumps(said | _CALL).encode()).body
    assert (body.kind, body.trace_id) == (said["kind"], _TRACE)
    assert read(canonical(body)) == body
    for name in ("value", "choice", "metric", "answers", "state", "distance", "duration_s", "rubric", "supersedes"):
        assert getattr(body, name) == said.get(
            name, "answered" if (name, said["kind"]) == ("state", "survey") else None
        )


def test_a_span_a_range_and_an_instant_are_values_of_their_own() -> None:
    """An instant is nanoseconds, however it was written."""
    body = parse(
        json.dumps(
            _CALL | {"kind": "score", "value": 3, "range": [1, 5], "span": {"start": 1, "end": 4}, "at": 1.5}
        ).encode()
    ).body
    assert (body.span, body.range, body.at_ns) == (TextSpan(1, 4), (1.0, 5.0), 1_500_000_000)
    written = {"kind": "rating", "value": True, "at": "1970-01-01T01:00:01.5+01:00"}
    assert parse(json.dumps(_CALL | written).encode()).body.at_ns == 1_500_000_000


def test_a_ranking_keeps_its_ties_and_the_order_of_showing() -> None:
    """Calls are named inside it, each by any key, and nowhere else."""
    last = {"trace_id": _OTHER}
    order = [[_CALL], [_SECOND, last]]
    body = parse(json.dumps({"kind": "ranking", "order": order, "shown": [_SECOND, _CALL, last]}).encode()).body
    first, second, third = Target(trace_id=_TRACE), Target(response_id="r", choice=1), Target(trace_id=_OTHER)
    assert (body.order, body.shown) == (((first,), (second, third)), (second, first, third))


def test_several_calls_are_a_target() -> None:
    """One thing said of two calls is one feedback."""
    body = parse(json.dumps({"kind": "rating", "value": True, "calls": [_CALL, _SECOND]}).encode()).body
    assert body.calls == (Target(trace_id=_TRACE), Target(response_id="r", choice=1))


@pytest.mark.parametrize(
    ("said", "param", "words"),
    [
        ({"kind": "rating", "value": 0}, "value", "true (thumb up) or false (thumb down), not a number (0)"),
        ({"kind": "score", "value": 6, "range": [1, 5]}, "value", "the score 6 is outside its range, 1 to 5"),
        ({"kind": "score", "value": 3, "range": [5, 1]}, "range", "the least and a greater number"),
        ({"kind": "score", "value": 3, "range": [5]}, "range", "like [1, 5], not a list"),
        ({"kind": "score", "value": None}, "value", "a finite number, not null"),
        ({"kind": "outcome", "value": True}, "metric", "metric is missing; outcome feedback takes"),
        ({"kind": "outcome", "metric": "m"}, "value", "value is missing; outcome feedback takes true, false"),
        ({"kind": "outcome", "metric": "m", "value": [1]}, "value", "or null (not known), not a list"),
        ({"kind": "event", "value": "copid"}, "value", "(did you mean copied?); allowed are copied, inserted"),
        (
            {"kind": "event", "value": "edited", "distance": 2},
            "distance",
            "from 0 (kept as it is) to 1, not a number (2)",
        ),
        ({"kind": "survey", "answers": {}}, "answers", "an object of 1 to 64 questions"),
        ({"kind": "survey", "answers": {"bool": [1]}}, "answers.bool", "a text or null, not a list"),
        ({"kind": "survey"}, "answers", "answers stand where state is answered"),
        ({"kind": "survey", "state": "declined", "answers": {"a": 1}}, "answers", "this one is declined"),
        ({"kind": "survey", "state": "seen"}, "state", "allowed are shown, answered, declined"),
        ({"kind": "rating", "value": True, "at": "yesterday"}, "at", "RFC 3339 with an offset, or unix seconds"),
        ({"kind": "rating", "value": True, "at": "2026-01-01T00:00:00"}, "at", "RFC 3339 with an offset"),
        ({"kind": "rating", "value": True, "at": -1}, "at", "not a number (-1)"),
        ({"kind": "rating", "value": True, "at": True}, "at", "not a boolean"),
        ({"kind": "rating", "value": True, "at": 1_700_000_000_000}, "at", "unix seconds, not a number (1.7e+12)"),
        ({"kind": "rating", "value": True, "choice": -1}, "choice", "the index of one of the answers"),
        ({"kind": "rating", "value": True, "choice": True}, "choice", "not a boolean"),
        ({"kind": "comment", "value": "x", "span": {"start": 3, "end": 3}}, "span.start", "must start before it ends"),
        ({"kind": "comment", "value": "x", "span": {"start": 3}}, "span.end", "span.end is missing; it must be"),
        ({"kind": "comment", "value": "x", "span": {"strat": 3}}, "span.strat", "(did you mean start?)"),
        ({"kind": "rating", "value": True, "supersedes": "x"}, "supersedes", "the feedback_id"),
        ({"kind": "retraction", "supersedes": "0" * 32}, "kind", "is not known"),
        ({"kind": "rating", "valeu": True}, "valeu", "(did you mean value?)"),
    ],
)
def test_a_refusal_names_the_field_and_what_is_allowed(said: dict[str, Any], param: str, words: str) -> None:
    """Whoever reads the sentence can mend the body."""
    error = _refusal(said | _CALL)
    assert words in error.message
    assert (error.param, error.status) == (param, 400)


RANKED_WRONGLY: list[tuple[dict[str, Any], str, str]] = [
    ({"order": [[_CALL]]}, "order", "2 to 32 calls, each once"),
    ({"order": [[_CALL], [_CALL]]}, "order", "each once"),
    ({"order": [[_CALL], []]}, "order.1", "the groups of calls, best first"),
    ({"order": [[_CALL], [{"trace_id": "x"}]]}, "order.1.0.trace_id", "32 lower-case hex digits"),
    ({"order": [[_CALL], [{}]]}, "order.1.0.trace_id", "nothing says what this is about"),
    ({"order": [[_CALL], [{"session_id": "s"}]]}, "order.1.0.session_id", "unknown field"),
    ({"order": [[_CALL], [_SECOND]], "shown": [_CALL, _CALL]}, "shown", "the calls of order, each once"),
    ({"order": [[_CALL], [_SECOND]], "trace_id": _TRACE}, "trace_id", "unknown field"),
]


@pytest.mark.parametrize(("said", "param", "words"), RANKED_WRONGLY)
def test_a_ranking_that_ranks_nothing_is_refused(said: dict[str, Any], param: str, words: str) -> None:
    """A call that stands twice, or a call that was not ranked, would be counted wrongly."""
    error = _refusal({"kind": "ranking"} | said)
    assert words in error.message
    assert error.param == param


@pytest.mark.parametrize("extra", [{"choice": 1}, {"span": {"start": 0, "end": 1}}])
@pytest.mark.parametrize("target", [{"session_id": "s"}, {"calls": [_CALL, _SECOND]}])
def test_a_choice_or_a_span_is_one_calls(target: dict[str, Any], extra: dict[str, Any]) -> None:
    """Nothing would say whose it is."""
    error = _refusal({"kind": "rating", "value": True} | target | extra)
    assert "stands only beside the key of one call" in error.message


def test_the_schema_has_every_kind_and_says_what_the_refusals_say() -> None:
    """A form generated from it asks for what the door takes."""
    found = schema()
    assert set(found["discriminator"]["mapping"]) == set(KINDS)
    rating = found["$defs"]["Rating"]
    assert rating["properties"]["value"]["description"] == "true (thumb up) or false (thumb down)"
    assert {"kind", "value"} <= set(rating["required"])
    assert {one["required"][0] for one in rating["oneOf"]} == set(TARGETS)
    assert rating["additionalProperties"] is False
    json.dumps(found)


def test_every_field_that_can_be_sent_reaches_the_spool() -> None:
    """No field of a model is without its place in the canonical body."""
    sent = {name for model in KINDS.values() for name in model.model_fields}
    assert sent - {"at", "id"} <= set(FeedbackBody.__struct_fields__)
    assert set(FeedbackBody.__struct_fields__) - {"at_ns"} <= sent


def _refusal(said: dict[str, Any]) -> RequestError:
    with pytest.raises(RequestError) as caught:
        parse(json.dumps(said).encode())
    return caught.value
