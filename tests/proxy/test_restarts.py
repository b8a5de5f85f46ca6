"""The restart policy: growing pauses, a fresh start behind a healthy life, and an end where trying is of no use."""

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.clock import NS_PER_S
from backtalk.restarts import (
    FIRST_PAUSE_S,
    HEALTHY_S,
    LONGEST_PAUSE_S,
    SETUP_STATUS,
    SETUP_TRIES,
    Restarts,
    describe,
)

lives = st.lists(
    st.tuples(st.floats(min_value=0, max_value=3 * HEALTHY_S), st.sampled_from([0, 1, SETUP_STATUS, -9])), max_size=20
)


def pauses_s(*lives_s: float, status: int = 1) -> list[float]:
    """How long it rests after each of its lives."""
    restarts, now_ns, found = Restarts(), 0, list[float]()
    for life_s in lives_s:
        restarts = restarts.started(now_ns)
        now_ns += int(life_s * NS_PER_S)
        restarts = restarts.died(status, now_ns)
        found.append((restarts.due_ns - now_ns) / NS_PER_S)
        now_ns = restarts.due_ns
    return found


def test_the_pause_doubles_up_to_a_limit() -> None:
    """A process that dies at once is not started thousands of times."""
    assert pauses_s(*[0.1] * 8) == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_healthy_life_makes_good() -> None:
    """One that ran long enough comes back as fast as the first time."""
    assert pauses_s(0.1, 0.1, HEALTHY_S + 1, 0.1) == [0.1, 0.2, 0.1, 0.2]


@given(lives)
def test_it_comes_back_soon_whatever_happened(happened: list[tuple[float, int]]) -> None:
    """Never at once, and never later than the longest pause."""
    restarts, now_ns = Restarts(), 0
    for life_s, status in happened:
        restarts = restarts.started(now_ns)
        now_ns += int(life_s * NS_PER_S)
        restarts = restarts.died(status, now_ns)
        assert FIRST_PAUSE_S * NS_PER_S <= restarts.due_ns - now_ns <= LONGEST_PAUSE_S * NS_PER_S
        now_ns = restarts.due_ns


def test_who_refuses_its_settings_in_a_row_is_hopeless() -> None:
    """Once may be a race at the start; so often it is the settings."""
    restarts = Restarts()
    for number in range(1, SETUP_TRIES + 1):
        restarts = restarts.died(SETUP_STATUS, 0)
        assert restarts.hopeless == (number == SETUP_TRIES)


@pytest.mark.parametrize(("status", "life_s"), [(1, 0.0), (-9, 0.0), (SETUP_STATUS, HEALTHY_S + 1)])
def test_another_end_begins_the_count_anew(status: int, life_s: float) -> None:
    """A crash or a healthy life in between shows that it can work."""
    restarts = Restarts()
    for _ in range(SETUP_TRIES - 1):
        restarts = restarts.died(SETUP_STATUS, 0)
    restarts = restarts.started(0).died(status, int(life_s * NS_PER_S))
    assert not restarts.hopeless
    assert restarts.refusals == (1 if status == SETUP_STATUS else 0)


def test_a_wait_may_be_cut_short_and_is_never_made_longer() -> None:
    """Who gives others a head start goes as soon as they are ready."""
    waiting = Restarts().delayed(NS_PER_S, 2.0)
    assert waiting.due_ns == 3 * NS_PER_S
    assert waiting.hurried(2 * NS_PER_S).due_ns == 2 * NS_PER_S
    assert waiting.hurried(9 * NS_PER_S).due_ns == 3 * NS_PER_S


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended by itself"),
        (3, "failed with status 3"),
        (-9, "was ended by SIGKILL"),
        (-(signal.SIGRTMIN + 3), f"was ended by signal {signal.SIGRTMIN + 3}"),
    ],
)
def test_an_end_is_told_in_words(status: int, words: str) -> None:
    """What a log line says; a signal without a name ends no supervisor."""
    assert describe(status) == words
