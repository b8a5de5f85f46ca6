"""Which target is next: decisions over frozen values, without a clock and without chance of their own."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.relay.plan import Failure, Health, Next, again, failed, first, of_status, succeeded
from backtalk.relay.routes import Route
from backtalk.settings.routes import RouteSettings, TargetSettings

NOW_S = 100.0
LATER_S = 1e9
REFUSED = Failure("status_503", 503, taken=False)


def route(*targets: str, fallbacks: tuple[str, ...] = (), **settings: Any) -> Route:
    """A route."""
    return Route("r", RouteSettings(targets=targets, fallbacks=fallbacks, **settings))


def known(**settings: Mapping[str, Any]) -> dict[str, TargetSettings]:
    """Targets `a` to `d`, with settings of their own where given."""
    return {name: TargetSettings(url="http://x", **settings.get(name, {})) for name in "abcd"}


def next_of(
    way: Route,
    tried: str,
    failure: Failure = REFUSED,
    *,
    health: Mapping[str, Health] | None = None,
    safe: bool = True,
    deadline_s: float = LATER_S,
    draw: float = 0.0,
    **settings: Mapping[str, Any],
) -> Next | None:
    """The next attempt after those in `tried`."""
    return again(
        way, tried, failure, known(**settings), health or {}, safe=safe, now_s=NOW_S, deadline_s=deadline_s, draw=draw
    )


@given(draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50))
def test_only_targets_that_share_are_drawn_first(draws: list[float]) -> None:
    """A fallback gets no call while one of the targets may have it."""
    for draw in draws:
        assert first(route("a", "b", fallbacks=("c",)), known(), {}, now_s=NOW_S, draw=draw) in ("a", "b")


def test_weights_are_shares() -> None:
    """Over evenly spread draws each target gets its share exactly."""
    targets = known(a={"weight": 3.0}, b={"weight": 1.0})
    drawn = Counter(first(route("a", "b"), targets, {}, now_s=NOW_S, draw=n / 1000) for n in range(1000))
    assert drawn == {"a": 750, "b": 250}


def test_a_resting_target_is_left_alone_while_another_is_awake() -> None:
    """Cooldown moves calls away; where all rest, the one that wakes first is asked: a rest refuses nobody."""
    resting = {"a": Health(rests_until_s=NOW_S + 5)}
    way = route("a", fallbacks=("c",))
    assert first(way, known(), resting, now_s=NOW_S, draw=0) == "c"
    assert first(way, known(), resting | {"c": Health(rests_until_s=NOW_S + 9)}, now_s=NOW_S, draw=0) == "a"
    assert first(way, known(), resting, now_s=NOW_S + 6, draw=0) == "a"


def test_a_full_target_is_never_chosen() -> None:
    """A limit of calls is hard: without room anywhere there is no target."""
    full = {"a": Health(in_flight=2)}
    assert first(route("a"), known(a={"max_concurrent": 2}), full, now_s=NOW_S, draw=0) is None
    assert first(route("a", "b"), known(a={"max_concurrent": 2}), full, now_s=NOW_S, draw=0) == "b"


def test_others_are_asked_before_anyone_is_asked_again() -> None:
    """First those that share, then the fallbacks in their order, at once; then the first ones again, after a pause."""
    way = route("a", "b", fallbacks=("c", "d"), attempts=9)
    assert next_of(way, "a") == Next("b")
    assert next_of(way, "ab") == Next("c")
    assert next_of(way, "abc") == Next("d")
    assert next_of(way, "abcd") == Next("a", 0.25)


@pytest.mark.parametrize(
    ("tried", "draw", "pause_s"), [("a", 0.0, 0.5), ("a", 0.5, 0.75), ("aaa", 0.0, 2.0), ("a" * 9, 0.0, 4.0)]
)
def test_pauses_double_up_to_a_limit_with_jitter(tried: str, draw: float, pause_s: float) -> None:
    """Between half and the whole of the pause, which doubles with each attempt at the same target."""
    way = route("a", attempts=20, backoff_s=1.0, backoff_max_s=8.0)
    assert next_of(way, tried, draw=draw) == Next("a", pause_s)


def test_retry_after_is_waited_out_where_it_is_short() -> None:
    """The target's own word goes before our backoff; a long one ends the call, its answer says when to come again."""
    way = route("a", retry_after_max_s=20.0)
    assert next_of(way, "a", REFUSED._replace(retry_after_s=7.0)) == Next("a", 7.0)
    assert next_of(way, "a", REFUSED._replace(retry_after_s=21.0)) is None
    assert next_of(route("a", "b"), "a", REFUSED._replace(retry_after_s=21.0)) == Next("b")


@pytest.mark.parametrize(
    ("change", "is_tried"),
    [
        ({}, True),
        ({"tried": "aba"}, False),
        ({"deadline_s": NOW_S}, False),
        ({"safe": False}, True),
        ({"safe": False, "failure": Failure("status_500", 500)}, False),
        ({"safe": True, "failure": Failure("status_500", 500)}, True),
    ],
)
def test_when_an_attempt_follows(change: dict[str, Any], is_tried: bool) -> None:
    """Not beyond the limit, not after the deadline, and not where a repeat could be a second job."""
    given_: dict[str, Any] = {"tried": "a", "failure": REFUSED, **change}
    assert (next_of(route("a", "b"), given_.pop("tried"), given_.pop("failure"), **given_) is not None) == is_tried


def test_no_pause_reaches_beyond_the_deadline() -> None:
    """A client is not kept waiting for an attempt that may not begin."""
    assert next_of(route("a", backoff_s=4.0), "a", deadline_s=NOW_S + 1.9) is None


def test_failures_in_a_row_make_a_target_rest() -> None:
    """The third failure is the end of patience, an answer the end of suspicion."""
    target = TargetSettings(url="http://x", cooldown_after=3, cooldown_s=10.0)
    health = Health()
    for _ in range(2):
        health = failed(health, REFUSED, target, now_s=NOW_S)
        assert health.rests_until_s <= NOW_S
    assert failed(health, REFUSED, target, now_s=NOW_S).rests_until_s == NOW_S + 10
    assert failed(succeeded(health), REFUSED, target, now_s=NOW_S).rests_until_s <= NOW_S


def test_a_targets_own_word_makes_it_rest_at_once() -> None:
    """`Retry-After` is believed from the first time, up to the cooldown; a cooldown of nothing is none."""
    word = REFUSED._replace(retry_after_s=4.0)
    assert failed(Health(), word, TargetSettings(url="http://x"), now_s=NOW_S).rests_until_s == NOW_S + 4
    assert failed(Health(), word._replace(retry_after_s=99.0), TargetSettings(url="http://x"), now_s=NOW_S) == Health(
        failures=1, rests_until_s=NOW_S + 10
    )
    assert failed(Health(), word, TargetSettings(url="http://x", cooldown_s=0), now_s=NOW_S).rests_until_s <= NOW_S


@pytest.mark.parametrize(
    ("status", "retry_after", "failure"),
    [
        (200, None, None),
        (401, None, None),
        (409, None, None),
        (501, None, None),
        (429, b"3", Failure("status_429", 429, 3.0, taken=False)),
        (500, None, Failure("status_500", 500)),
        (529, b"Fri, 31 Dec 1999 23:59:59 GMT", Failure("status_529", 529, None, taken=False)),
        (503, b"-1", Failure("status_503", 503, None, taken=False)),
        (503, b"9" * 50, Failure("status_503", 503, None, taken=False)),
    ],
)
def test_statuses_are_answers_or_failures(status: int, retry_after: bytes | None, failure: Failure | None) -> None:
    """Which statuses ask for another attempt, and what their `Retry-After` says."""
    assert of_status(status, retry_after) == failure
