"""Candidates: what is visible, what was answered, and which of several fits best."""

import pytest

from backtalk.model.frames import Outcome
from backtalk.session.candidates import answered, best, children, failed, in_flight, same_words, visible, weight
from backtalk.session.store import Ended, Link, Seen, known
from backtalk.testing import factories
from backtalk.testing.sessions import arrival

_DAY_NS = 86_400 * 10**9
NOW = arrival(factories.opened("And then?", at_s=100))


def _seen(
    number: int = 1,
    *,
    at_s: float = 0,
    client: str = "client",
    status: int = 200,
    outcome: Outcome = "completed",
    ended_s: float | None = 1,
    answer: str = "Well.",
    link: Link | None = None,
) -> Seen:
    call = factories.opened("Why?", at_s=at_s, client=client, key=factories.call_key(number))
    end = None if ended_s is None else Ended(factories.ns(ended_s), status, outcome, answer, "stop")
    return Seen(known(arrival(call)), link, end)


@pytest.mark.parametrize(
    ("seen", "was_answered", "has_failed"),
    [
        (_seen(), True, False),
        (_seen(status=500), False, True),
        (_seen(outcome="client_disconnected"), True, False),
        (_seen(outcome="client_disconnected", answer=""), False, True),
        (_seen(outcome="upstream_error"), False, True),
        (_seen(ended_s=None), False, False),
    ],
)
def test_only_what_was_shown_is_answered(seen: Seen, was_answered: bool, has_failed: bool) -> None:
    """A part of an answer before the client left counts; a call that runs is neither."""
    assert (answered(seen), failed(seen)) == (was_answered, has_failed)


def test_only_earlier_calls_within_the_window_are_visible() -> None:
    """And an end that comes after the instant in question has not happened."""
    calls = [_seen(1), _seen(2, at_s=99, ended_s=101), _seen(3, at_s=100.5, ended_s=None)]
    found = visible(calls, NOW, _DAY_NS, NOW.opened_ns)
    assert [seen.key for seen in found] == [calls[0].key, calls[1].key]
    assert found[1].ended is None
    assert [seen.key for seen in visible(calls, NOW, 50 * 10**9, NOW.opened_ns)] == [calls[1].key]


def test_a_call_is_in_flight_until_its_end() -> None:
    """Whether the end is known already or not."""
    assert in_flight(_seen(at_s=99, ended_s=101), NOW)
    assert in_flight(_seen(ended_s=None), NOW)
    assert not in_flight(_seen(), NOW)


def test_children_name_their_parent() -> None:
    """Others under the same key continue another call."""
    parent = _seen(1)
    child, stranger = _seen(2, link=Link("s", parent.key)), _seen(3, link=Link("s", factories.call_key(9)))
    assert children(parent, [child, stranger, child, _seen(4)]) == (child,)


def test_the_time_a_person_takes_fits_best() -> None:
    """Not the newest, not the oldest: what was answered some seconds ago."""
    at_once, soon, long_ago = _seen(1, ended_s=99.99), _seen(2, ended_s=90), _seen(3, ended_s=-9_000)
    assert max((at_once, soon, long_ago), key=lambda seen: weight(seen, NOW) * 1e3) in {at_once, soon}
    assert weight(soon, NOW) > weight(long_ago, NOW)


def test_the_same_client_outweighs_time() -> None:
    """An address tells more than a pause."""
    mine, others = _seen(1, ended_s=10), _seen(2, ended_s=90, client="another")
    chosen, share = best([mine, others], NOW)
    assert chosen == mine
    assert 0.5 < share < 1


def test_of_one_sessions_attempts_the_latest_is_continued() -> None:
    """With equal answers nothing else tells them apart."""
    attempts = [_seen(n, at_s=n, ended_s=50 + n, link=Link("s")) for n in (1, 2)]
    chosen, share = best(attempts, NOW)
    assert chosen == attempts[1]
    assert share > 0.8


def test_equal_words_are_equal_whatever_their_case() -> None:
    """People do not mind capitals."""
    again = arrival(factories.opened("why?", at_s=9))
    assert same_words(_seen(), again)
    assert not same_words(_seen(), NOW)
