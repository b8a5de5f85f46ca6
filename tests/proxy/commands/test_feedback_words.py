"""One feedback out of a command's words: one thing said at a time."""

from typing import Any

import pytest

from backtalk.commands.feedback_words import check_retraction, feedback_body
from backtalk.errors import RequestError
from backtalk.feedback.body import parse_object


def test_thumb_down_with_words_is_a_rating_with_a_comment() -> None:
    """--down --comment is one feedback."""
    body = feedback_body("chatcmpl-9", value="false", comment="wrong year")
    assert body == {"response_id": "chatcmpl-9", "kind": "rating", "value": False, "comment": "wrong year"}


def test_words_alone_are_a_comment() -> None:
    """--comment alone is a feedback of its own kind."""
    assert feedback_body("chatcmpl-9", comment="hm") == {"response_id": "chatcmpl-9", "kind": "comment", "value": "hm"}


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ({"outcome": "resolved=true"}, {"kind": "outcome", "metric": "resolved", "value": True}),
        ({"outcome": "minutes=34.5"}, {"kind": "outcome", "metric": "minutes", "value": 34.5}),
        ({"outcome": "closed_as=a=b"}, {"kind": "outcome", "metric": "closed_as", "value": "a=b"}),
        ({"outcome": "score=NaN"}, {"kind": "outcome", "metric": "score", "value": "NaN"}),
        ({"event": "copied"}, {"kind": "event", "value": "copied"}),
        ({"label": "null", "rubric": "right"}, {"kind": "label", "value": None, "rubric": "right"}),
        ({"label": "good"}, {"kind": "label", "value": "good"}),
        ({"correction": "It is 4."}, {"kind": "correction", "value": "It is 4."}),
        (
            {"value": "true", "metric": "tone", "rater": "ann"},
            {"kind": "rating", "value": True} | {"metric": "tone", "rater": "ann"},
        ),
    ],
)
def test_each_option_is_a_kind_that_the_door_takes(said: dict[str, Any], body: dict[str, Any]) -> None:
    """A value is true, false, null or a number where it reads as one, else a category."""
    made = feedback_body("chatcmpl-9", **said)
    assert made == {"response_id": "chatcmpl-9", **body}
    parse_object(made)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"value": "true", "score": 1.0}, "exactly one"),
        ({"outcome": "a=1", "event": "copied"}, "exactly one"),
        ({"label": "good", "value": "true"}, "exactly one"),
        ({}, "exactly one"),
        ({"outcome": "resolved"}, "METRIC=VALUE"),
        ({"outcome": "=true"}, "METRIC=VALUE"),
        ({"outcome": "resolved="}, "METRIC=VALUE"),
        ({"outcome": "a=1", "metric": "b"}, "leave --metric out"),
        ({"value": "true", "rubric": "right"}, "--rubric stands only beside --label"),
    ],
)
def test_what_is_not_one_thing_is_refused_with_what_is_allowed(said: dict[str, Any], message: str) -> None:
    """Before anything is sent."""
    with pytest.raises(RequestError, match=message):
        feedback_body("chatcmpl-9", **said)


@pytest.mark.parametrize(("target", "said"), [("chatcmpl-9", {}), (None, {"value": "true"})])
def test_taking_back_stands_alone(target: str | None, said: dict[str, Any]) -> None:
    """Nothing that was typed is left unsaid."""
    with pytest.raises(RequestError, match="stands alone"):
        check_retraction(target, said)
    check_retraction(None, {"value": None})
