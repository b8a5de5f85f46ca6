"""The circuit breaker: growing pauses, and none after a success."""

from backtalk.session.breaker import FIRST_PAUSE_NS, LONGEST_PAUSE_NS, Breaker


def test_pauses_double_up_to_the_longest() -> None:
    """A server that stays away is asked ever more rarely, but never given up."""
    breaker, now_ns, pauses = Breaker(), 0, list[int]()
    for _ in range(8):
        breaker.failed(now_ns)
        pause = next(ns for ns in (FIRST_PAUSE_NS << n for n in range(20)) if breaker.may_try(now_ns + ns))
        pauses.append(pause)
        now_ns += pause
    assert pauses[:3] == [FIRST_PAUSE_NS, 2 * FIRST_PAUSE_NS, 4 * FIRST_PAUSE_NS]
    assert pauses[-1] == LONGEST_PAUSE_NS


def test_a_success_ends_the_pause() -> None:
    """From then on every call asks."""
    breaker = Breaker()
    breaker.failed(0)
    assert breaker.broken
    breaker.succeeded()
    assert breaker.may_try(1)
    assert not breaker.broken
