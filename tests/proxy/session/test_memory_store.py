"""What only the store in memory has to do: let go of things by itself. The rest is in test_store.py."""

from backtalk.session.memory_store import MemorySessionStore
from backtalk.session.slots import Lifetimes
from backtalk.testing import factories
from backtalk.testing.sessions import arrival


def test_what_is_older_than_its_lifetime_is_gone() -> None:
    """Its clock is the facts' own."""
    store = MemorySessionStore(Lifetimes(answer_s=60))
    store.arrive(arrival(factories.opened("Why?")))
    assert store.arrive(arrival(factories.opened("Why?", at_s=50))).repeats
    assert not store.arrive(arrival(factories.opened("Why?", at_s=500))).repeats


def test_it_never_holds_more_than_its_bound() -> None:
    """What was touched longest ago leaves first."""
    store = MemorySessionStore(entries=10)
    for number in range(100):
        store.arrive(arrival(factories.opened(f"Why {number}?", at_s=number)))
    assert not store.arrive(arrival(factories.opened("Why 1?", at_s=200))).repeats
    assert len(vars(store)["_calls"]) <= 10
    assert len(vars(store)["_lists"]) <= 10
