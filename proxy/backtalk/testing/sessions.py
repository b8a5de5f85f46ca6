"""What session stores and rules are tested with: arrivals, completions, and a book in which calls are decided."""

from typing import Final

from backtalk.detect.arrivals import arrival_of, completion_of
from backtalk.model.facts import CallClosed, CallOpened
from backtalk.session.candidates import Windows
from backtalk.session.canonical import Hasher
from backtalk.session.decide import Decision, decide
from backtalk.session.memory_store import MemorySessionStore
from backtalk.session.slots import Lifetimes
from backtalk.session.store import Arrival, Completion
from backtalk.testing import factories

SECRET: Final = b"the secret of a session test"
ANSWER: Final = "The moon pulls at the water of the sea."


def arrival(call: CallOpened) -> Arrival:
    """The arrival of a call."""
    return arrival_of(call, Hasher(SECRET))


def completion(call: CallClosed) -> Completion:
    """The completion of a call."""
    return completion_of(call, arrival(call.opened), Hasher(SECRET))


class Book:
    """Calls and what they were decided to be; the store keeps everything, so that only the rules' windows count."""

    def __init__(self) -> None:
        self.store = MemorySessionStore(Lifetimes(answer_s=10**6, recent_s=10**6))

    def decide(self, call: CallOpened, *, as_of_s: float | None = None) -> Decision:
        """Decide a call, with the answers known up to its arrival or up to `as_of_s`."""
        arrived = arrival(call)
        as_of_ns = call.opened_ns if as_of_s is None else factories.ns(as_of_s)
        decision = decide(arrived, self.store.arrive(arrived), Hasher(SECRET), Windows(), as_of_ns)
        if decision.link:
            self.store.link(arrived, decision.link)
        return decision

    def answered(self, call: CallOpened, answer: str = ANSWER, **end: float) -> Decision:
        """Decide a call, and let it end with an answer a second later."""
        decision = self.decide(call)
        self.store.complete(completion(factories.closed(call, answer, after_s=end.pop("after_s", 1.0))))
        return decision
