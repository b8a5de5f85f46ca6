"""The lists of the store: which calls an arrival may follow from, each kept under a key of what they share.

In: an `Arrival`. Out: the lists that it joins and reads, with how many calls each keeps and for how long. The one rule:
they are the same for every store; that two stores agree is all that makes a replay agree with the traffic.
"""

from typing import Final

import msgspec

from backtalk.session import keys
from backtalk.session.store import Arrival

REQUEST_CAP: Final = 8
CHILDREN_CAP: Final = 64
RECENT_CAP: Final = 20
SAID_CAP: Final = 16
PRODUCER_CAP: Final = 64
"""Most calls kept under one key of each kind; the oldest leave first."""


class Slot(msgspec.Struct, frozen=True):
    """One list an arrival joins where `joins`, and reads where `reads`, as the `field` of its evidence."""

    field: str
    key: bytes
    cap: int
    ttl_s: int
    joins: bool
    reads: bool = True


class Lifetimes(msgspec.Struct, frozen=True):
    """How long the store keeps what; upper bounds, the decision compares times of facts."""

    answer_s: int = 86_400
    recent_s: int = 300


def slots(arrival: Arrival, lifetimes: Lifetimes) -> tuple[Slot, ...]:
    """The lists of an arrival: the same for every store."""
    history, ttl_s = arrival.history, lifetimes.answer_s
    first = history.frontier is None
    candidates = (
        ("repeats", keys.REQUEST, history.whole, REQUEST_CAP, ttl_s, True),
        ("producers", keys.FRONTIER, history.frontier, PRODUCER_CAP, ttl_s, False),
        ("lookalikes", keys.ANSWER, history.answer, PRODUCER_CAP, ttl_s, False),
        ("edited", keys.REQUEST, history.before, REQUEST_CAP, ttl_s, False),
        ("siblings", keys.CHILDREN, history.frontier, CHILDREN_CAP, ttl_s, True),
        ("cousins", keys.CHILDREN, history.answer, CHILDREN_CAP, ttl_s, True),
        ("older", keys.CHILDREN, history.older_answer, CHILDREN_CAP, ttl_s, False),
        ("asked", keys.SAID, history.asked, SAID_CAP, ttl_s, False),
        ("said", keys.SAID, history.said, SAID_CAP, ttl_s, True),
        ("recent", keys.RECENT, arrival.recent if first else None, RECENT_CAP, lifetimes.recent_s, True),
        (
            "recent_any",
            keys.RECENT,
            arrival.recent_any if first else None,
            RECENT_CAP,
            lifetimes.recent_s,
            arrival.stream,
        ),
    )
    return tuple(
        Slot(field, keys.scoped(tag, history.scope, digest), cap, ttl, joins, reads=field != "said")
        for field, tag, digest, cap, ttl, joins in candidates
        if digest is not None
    )
