"""Two shares of answers that come in sessions."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.quality.two_shares import Sums, change

SESSIONS = st.lists(st.lists(st.booleans(), min_size=1, max_size=6), max_size=30)


def sums(sessions: Iterable[Iterable[bool]]) -> Sums:
    """The sums of sessions of answers, of which some are counted."""
    pairs = [(len(answers), sum(answers)) for answers in map(list, sessions)]
    return Sums(
        len(pairs), sum(n for n, _ in pairs), sum(h for _, h in pairs), sum(h * h for _, h in pairs),
        sum(h * n for n, h in pairs), sum(n * n for n, _ in pairs),
    )  # fmt: skip


@given(SESSIONS, SESSIONS)
def test_the_interval_holds_the_estimate_and_stays_between_minus_one_and_one(
    then: list[list[bool]], now: list[list[bool]]
) -> None:
    """Whatever was counted, nothing among it."""
    found = change(sums(then), sums(now), 0.95)
    assert -1 <= found.low <= found.estimate + 1e-12
    assert found.estimate - 1e-12 <= found.high <= 1


@given(SESSIONS)
def test_a_share_never_knows_more_than_its_answers(sessions: list[list[bool]]) -> None:
    """However its sessions lie."""
    found = sums(sessions)
    assert 0 <= found.effective <= max(found.n, found.sessions)


def test_answers_of_one_session_that_are_alike_count_as_one() -> None:
    """A hundred answers in ten sessions of one opinion each know as much as ten."""
    alike = sums([[number % 2 == 0] * 10 for number in range(10)])
    apart = sums([[number % 2 == 0] for number in range(100)])
    assert alike.effective == pytest.approx(9, abs=0.1)
    assert apart.effective == pytest.approx(99, abs=1.1)
    assert change(alike, alike, 0.95).high > 2 * change(apart, apart, 0.95).high


def test_nothing_known_says_nothing() -> None:
    """The interval holds everything, in either place."""
    some = sums([[True, False]])
    for found in (change(Sums(), some, 0.95), change(some, Sums(), 0.95)):
        assert (found.low, found.high) == (-1.0, 1.0)


def test_independent_answers_have_newcombes_interval() -> None:
    """56 of 70 against 48 of 80: 0.2000, 0.0524 to 0.3339 (Newcombe 1998, table II, row a, method 10)."""
    before = sums([[number < 48] for number in range(80)])
    after = sums([[number < 56] for number in range(70)])
    found = change(before, after, 0.95)
    assert found.estimate == pytest.approx(0.2)
    assert found.low == pytest.approx(0.0524, abs=0.001)
    assert found.high == pytest.approx(0.3339, abs=0.001)


@pytest.mark.parametrize("spread", [0.0, 0.35])
def test_where_nothing_changed_it_is_rarely_said_to_have(spread: float) -> None:
    """Of 400 pairs of weeks that are alike at most 5% are taken for worse, with and without sessions of a mood."""
    chance = random.Random(7)  # noqa: S311 -- no secret
    false_alarms = 0
    for _ in range(400):
        weeks = [[_session(chance, spread) for _ in range(60)] for _ in range(2)]
        false_alarms += change(sums(weeks[0]), sums(weeks[1]), 0.95).low > 0
    assert false_alarms <= 20


def _session(chance: random.Random, spread: float) -> list[bool]:
    mood = min(max(0.4 + chance.choice((-spread, spread)), 0.0), 1.0)
    return [chance.random() < mood for _ in range(chance.randint(1, 6))]
