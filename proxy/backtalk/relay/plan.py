"""What to try next: pure decisions about attempts, from what is known of the targets and how the last attempt failed.

In: frozen values, the time and a number drawn by lot. Out: the next target, and the pause before it. The one rule: a
call is tried again only while nothing of an answer has reached the client, and elsewhere before it waits.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from backtalk.relay.routes import Route
from backtalk.settings.routes import RouteSettings, TargetSettings

RETRIED: Final = frozenset((408, 429, 500, 502, 503, 504, 529))
"""Statuses after which another attempt may succeed. A 409 is an answer: the same request meets the same conflict."""
_REFUSED: Final = frozenset((429, 503, 529))
"""Statuses by which a target says that it did not take the call on."""


class Health(NamedTuple):
    """What a process knows of a target. `rests_until_s` is loop time."""

    in_flight: int = 0
    failures: int = 0
    rests_until_s: float = 0.0


class Failure(NamedTuple):
    """How an attempt failed. `taken` says that the target may have worked on it; `status` is 0 where none came."""

    error: str
    status: int = 0
    retry_after_s: float | None = None
    taken: bool = True


class Next(NamedTuple):
    """Another attempt, after a pause."""

    target: str
    pause_s: float = 0.0


def first(
    route: Route, targets: Mapping[str, TargetSettings], health: Mapping[str, Health], *, now_s: float, draw: float
) -> str | None:
    """The target of the first attempt; None where all are at their limits. `draw` is in [0, 1)."""
    return _choose(route, (), targets, health, now_s=now_s, draw=draw)


def again(
    route: Route,
    tried: Sequence[str],
    failure: Failure,
    targets: Mapping[str, TargetSettings],
    health: Mapping[str, Health],
    *,
    safe: bool,
    now_s: float,
    deadline_s: float,
    draw: float,
) -> Next | None:
    """The next attempt; None where the last answer, or its error, is what the client gets."""
    settings = route.settings
    if len(tried) >= settings.attempts or now_s >= deadline_s or not (safe or not failure.taken):
        return None
    target = _choose(route, tried, targets, health, now_s=now_s, draw=draw)
    if target is None:
        return None
    if target not in tried:
        return Next(target)
    pause_s = _pause_s(settings, tried.count(target), draw)
    if target == tried[-1] and failure.retry_after_s is not None:
        if failure.retry_after_s > settings.retry_after_max_s:
            return None
        pause_s = max(pause_s, failure.retry_after_s)
    return Next(target, pause_s) if now_s + pause_s < deadline_s else None


def failed(before: Health, failure: Failure, target: TargetSettings, *, now_s: float) -> Health:
    """What is known after a failure: enough of them in a row, or the target's own word, and it rests."""
    failures = before.failures + 1
    rest_s = target.cooldown_s if failures >= target.cooldown_after else 0.0
    if failure.retry_after_s is not None and target.cooldown_s > 0:
        rest_s = max(rest_s, min(failure.retry_after_s, target.cooldown_s))
    return before._replace(failures=failures, rests_until_s=max(before.rests_until_s, now_s + rest_s))


def succeeded(before: Health) -> Health:
    """What is known after an answer."""
    return before._replace(failures=0, rests_until_s=0.0)


def of_status(status: int, retry_after: bytes | None) -> Failure | None:
    """The failure that a status says; None where it is an answer."""
    if status not in RETRIED:
        return None
    return Failure(f"status_{status}", status, _seconds(retry_after), taken=status not in _REFUSED)


def _choose(
    route: Route,
    tried: Sequence[str],
    targets: Mapping[str, TargetSettings],
    health: Mapping[str, Health],
    *,
    now_s: float,
    draw: float,
) -> str | None:
    """Untried and awake, by weight, then by order; else the one that wakes first; else one that was tried."""
    known = {name: health.get(name, Health()) for name in route.targets}
    free = [name for name in route.targets if _has_room(targets[name], known[name])]
    awake = [name for name in free if known[name].rests_until_s <= now_s and name not in tried]
    sharing = [name for name in awake if name in route.settings.targets]
    if sharing:
        return _weighted(sharing, targets, draw)
    if awake:
        return awake[0]
    rested = [name for name in free if name not in tried] or sorted(free, key=tried.count)
    return min(rested, key=lambda name: (tried.count(name), known[name].rests_until_s), default=None)


def _has_room(target: TargetSettings, health: Health) -> bool:
    return target.max_concurrent is None or health.in_flight < target.max_concurrent


def _weighted(names: Sequence[str], targets: Mapping[str, TargetSettings], draw: float) -> str:
    left = draw * sum(targets[name].weight for name in names)
    for name in names:
        left -= targets[name].weight
        if left < 0:
            return name
    return names[-1]


def _pause_s(settings: RouteSettings, count: int, draw: float) -> float:
    """Exponential backoff with jitter: between half and the whole of a pause that doubles."""
    return min(settings.backoff_s * 2.0 ** (count - 1), settings.backoff_max_s) * (1 + draw) / 2


def _seconds(retry_after: bytes | None) -> float | None:
    """Whole seconds of `Retry-After` (RFC 9110, section 10.2.3); a date is not read: clocks differ."""
    return float(retry_after) if retry_after is not None and retry_after.isdigit() and len(retry_after) < 8 else None
