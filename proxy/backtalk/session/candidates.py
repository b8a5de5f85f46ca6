"""Earlier calls as candidates: which are visible, which were answered, and which fits best.

In: calls from the store. Out: subsets and weights. Where several fit, the time a person takes to read and type tells
them apart: a lognormal whose middle is about twenty seconds, as chat apps show it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import exp, log
from typing import Final

import msgspec
from rapidfuzz import fuzz

from backtalk.session.canonical import clean, is_labelled, typed
from backtalk.session.store import Arrival, Seen

THINK_S: Final = 20.0
THINK_SPREAD: Final = 1.4
OTHER_CLIENT: Final = 0.02
"""What a candidate of another client address weighs: people move between networks, rarely."""
EDITED_RATIO: Final = 80.0
"""From this likeness on, of 100, two texts with one last line are one text and its edit."""
SUPERSEDED: Final = 0.1
"""What an earlier attempt weighs beside a later one of the same session with the same answer."""
_NS: Final = 1_000_000_000


class Windows(msgspec.Struct, frozen=True):
    """How far back each rule looks, in the time of facts."""

    answer_ns: int = 86_400 * _NS
    repeat_ns: int = 3_600 * _NS
    retry_ns: int = 60 * _NS
    first_repeat_ns: int = 300 * _NS
    first_edit_ns: int = 240 * _NS
    auxiliary_ns: int = 3 * _NS
    visit_ns: int = 1_800 * _NS


def visible(seen: Iterable[Seen], arrival: Arrival, window_ns: int, as_of_ns: int) -> tuple[Seen, ...]:
    """The calls strictly earlier than the arrival, oldest first; ends after `as_of_ns` are taken off."""
    earliest_ns = arrival.opened_ns - window_ns
    kept = (call for call in seen if call.order < arrival.order and _last_ns(call) >= earliest_ns)
    return tuple(sorted((_as_of(call, arrival, as_of_ns) for call in kept), key=_order))


def answered(seen: Seen) -> bool:
    """Whether the user was shown something: a whole good answer, or part of one before the client left."""
    end = seen.ended
    if end is None or not 200 <= end.status < 300:  # HTTP's class of success
        return False
    return end.outcome == "completed" or (end.outcome == "client_disconnected" and end.answer_text != "")


def failed(seen: Seen) -> bool:
    """Whether the call ended without an answer."""
    return seen.ended is not None and not answered(seen)


def in_flight(seen: Seen, arrival: Arrival) -> bool:
    """Whether the call was still running when the other arrived."""
    return seen.ended is None or seen.ended.closed_ns > arrival.opened_ns


def children(parent: Seen, calls: Iterable[Seen]) -> tuple[Seen, ...]:
    """Those of the calls that continue `parent`, oldest first."""
    unique = {call.span_id: call for call in calls if call.link is not None and call.link.parent == parent.key}
    return tuple(sorted(unique.values(), key=_order))


def same_words(seen: Seen, arrival: Arrival) -> bool:
    """Whether both users typed the same, whatever an app wrapped around it.

    Where only the last lines are equal and nothing says that an app wrapped them, they must differ much: a small change
    above an unchanged last line is a person's edit.
    """
    one, other = seen.known.user_text, arrival.history.user_text
    if clean(one).casefold() == clean(other).casefold():
        return True
    if typed(one).casefold() != typed(other).casefold():
        return False
    return is_labelled(other) or fuzz.ratio(one, other) < EDITED_RATIO


def best(
    candidates: Sequence[Seen], arrival: Arrival, extra: Callable[[Seen], float] = lambda _: 1.0
) -> tuple[Seen, float]:
    """The candidate that fits best, and the share of the whole weight it has."""
    latest = {seen.link.session_id: seen.order for seen in sorted(candidates, key=_order) if seen.link is not None}
    weights = [weight(seen, arrival) * extra(seen) * _superseded(seen, latest) for seen in candidates]
    place = max(range(len(candidates)), key=lambda i: (weights[i], _order(candidates[i])))
    total = sum(weights)
    return candidates[place], weights[place] / total if total > 0 else 1 / len(candidates)


def weight(seen: Seen, arrival: Arrival) -> float:
    """How well a call fits as the one a person looked at just before the arrival."""
    gap_s = max((arrival.opened_ns - _last_ns(seen)) / _NS, 0.05)
    spread = (log(gap_s) - log(THINK_S)) / THINK_SPREAD
    client = 1.0 if seen.known.client_hash == arrival.client_hash else OTHER_CLIENT
    return client * (exp(-spread * spread / 2) / gap_s + 1e-12)


def _superseded(seen: Seen, latest: Mapping[str, tuple[int, str]]) -> float:
    """Of several attempts in one session, a person goes on from the latest."""
    return 1.0 if seen.link is None or latest[seen.link.session_id] == seen.order else SUPERSEDED


def _as_of(seen: Seen, arrival: Arrival, as_of_ns: int) -> Seen:
    end = None if seen.ended is None or seen.ended.closed_ns > as_of_ns else seen.ended
    continued = seen.continued_ns
    if continued is not None and continued >= arrival.opened_ns:
        continued = None
    if end is seen.ended and continued == seen.continued_ns:
        return seen
    return Seen(seen.known, seen.link, end, continued)


def _last_ns(seen: Seen) -> int:
    return seen.ended.closed_ns if seen.ended else seen.known.opened_ns


def _order(seen: Seen) -> tuple[int, str]:
    return seen.order
