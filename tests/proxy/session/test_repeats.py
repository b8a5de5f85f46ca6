"""Repeats: whose doing is the same request again?"""

import pytest

from backtalk.testing import factories
from backtalk.testing.sessions import ANSWER, Book, arrival, completion


def test_of_two_calls_in_one_instant_one_is_earlier() -> None:
    """The id decides, so that exactly one sees the other."""
    book = Book()
    calls = [factories.opened("Why tides?", key=factories.call_key(n), stream=False) for n in (2, 1)]
    for call in calls:
        book.store.arrive(arrival(call))
    assert [book.decide(call).rule for call in calls] == ["duplicate", "new"]


@pytest.mark.parametrize(("seconds", "rule"), [(59, "automatic_retry"), (61, "repeat")])
def test_a_failure_is_retried_within_a_minute(seconds: float, rule: str) -> None:
    """Later than that a person tries again."""
    book = Book()
    book.answered(factories.opened("Why tides?"))
    again = ("Why tides?", factories.assistant(ANSWER), "And on lakes?")
    failed = factories.opened(*again, at_s=10)
    book.decide(failed)
    book.store.complete(completion(factories.closed(failed, "", status=500, after_s=0)))
    assert book.decide(factories.opened(*again, at_s=10 + seconds)).rule == rule


@pytest.mark.parametrize(("seconds", "rule"), [(250, "first_turn_repeat"), (1_000, "new")])
def test_a_first_turn_is_repeated_within_minutes(seconds: float, rule: str) -> None:
    """Windows are compared in the time of facts, whatever the store still holds."""
    book = Book()
    book.answered(factories.opened("Why are there tides?"))
    assert book.decide(factories.opened("Why are there tides?", at_s=seconds)).rule == rule


def test_a_known_user_may_repeat_a_greeting() -> None:
    """What is nobody's from an address is somebody's with a name."""
    book = Book()
    book.answered(factories.opened("hi", end_user="u-1"))
    assert book.decide(factories.opened("hi", end_user="u-1", at_s=20)).rule == "first_turn_repeat"


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("Context: rain.\nQuestion: Why is it wet?", "Context: the sea.\nQuestion: Why is it wet?", "repeat"),
        ("Fix this code: a = 1\nThank you.", "Fix this code: a = 2\nThank you.", "branch"),
        ("Why is it wet?", "Why is it so wet?", "branch"),
    ],
)
def test_a_repeat_is_of_the_typed_words(before: str, after: str, rule: str) -> None:
    """New context around the same question is the same again; a small change above a courtesy is an edit."""
    book = Book()
    book.answered(factories.opened("Hello to you"))
    book.answered(factories.opened("Hello to you", factories.assistant(ANSWER), before, at_s=9), "It is water.")
    again = factories.opened("Hello to you", factories.assistant(ANSWER), after, at_s=29)
    assert book.decide(again).rule == rule
