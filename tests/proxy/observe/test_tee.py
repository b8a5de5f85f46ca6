"""Bounded copies."""

import hashlib

from hypothesis import example, given
from hypothesis import strategies as st

from backtalk.observe.tee import Budget, Tee


@given(pieces=st.lists(st.binary(max_size=30), max_size=12), limit=st.integers(1, 100), budget=st.integers(0, 100))
@example(pieces=[b"%d" % n for n in range(1000)], limit=10_000, budget=10_000)
@example(pieces=[b"%d" % n for n in range(1000)], limit=1_000, budget=10_000)
def test_a_copy_is_whole_or_a_prefix_with_size_and_hash(pieces: list[bytes], limit: int, budget: int) -> None:
    """Never more than both limits allow; what is missing shows; the budget gets everything back."""
    body = b"".join(pieces)
    shared = Budget(budget)
    tee = Tee(limit, shared)
    for piece in pieces:
        tee.add(piece)
    room = min(limit, budget)
    assert shared.left_bytes == budget - min(len(body), room)
    copy = tee.finish()
    assert copy.kept == body[:room]
    assert copy.size_bytes == len(body)
    assert copy.capture == ("full" if len(body) <= room else "truncated")
    assert copy.sha256 == (None if copy.capture == "full" else hashlib.sha256(body).hexdigest())
    assert tee.chunks == len([p for p in pieces if p])
    assert shared.left_bytes == budget


def test_copies_share_one_budget() -> None:
    """What one copy holds another cannot have, until it is finished."""
    budget = Budget(10)
    first, second = Tee(100, budget), Tee(100, budget)
    first.add(b"12345678")
    second.add(b"1234")
    assert second.finish().kept == b"12"
    first.finish()
    third = Tee(100, budget)
    third.add(b"1234567890")
    assert third.finish().capture == "full"
