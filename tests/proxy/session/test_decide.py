"""The decision as a pure function: order, lateness, the session's name, and the same answer each time."""

from backtalk.session.candidates import Windows
from backtalk.session.canonical import Hasher
from backtalk.session.decide import decide
from backtalk.session.store import Evidence
from backtalk.testing import factories
from backtalk.testing.sessions import ANSWER, SECRET, Book, arrival, completion


def test_without_a_store_there_is_no_confidence() -> None:
    """The call gets a session of its own; nothing is claimed."""
    call = arrival(factories.opened("Hi"))
    decision = decide(call, Evidence(available=False), Hasher(SECRET), Windows(), call.opened_ns)
    assert (decision.rule, decision.confidence) == ("no_state", 0.0)


def test_later_calls_are_no_evidence() -> None:
    """A call decided again after a kill does not see what came after it."""
    book = Book()
    early, late = factories.opened("Tell me of the sea", at_s=0), factories.opened("Tell me of the sea", at_s=9)
    first = book.decide(early)
    book.decide(late)
    assert book.decide(early) == first


def test_an_answer_after_the_arrival_does_not_count_at_first() -> None:
    """The parent's close may come a moment late; until then the history is unresolved."""
    book = Book()
    parent = factories.opened("Why tides?")
    book.decide(parent)
    child = factories.opened("Why tides?", factories.assistant(ANSWER), "Thanks", at_s=3)
    assert not book.decide(child).resolved
    book.store.complete(completion(factories.closed(parent, ANSWER, after_s=3.4)))
    assert not book.decide(child).resolved
    assert book.decide(child, as_of_s=4).rule == "next_turn"
