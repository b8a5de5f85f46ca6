"""First turns: an edit, a new conversation, and the app's own calls beside them."""

import pytest

from backtalk.testing import factories
from backtalk.testing.sessions import Book

QUESTION = "How do the tides on a coast work?"
EDITED = "How exactly do the tides on a coast work?"


def test_a_reworded_first_turn_takes_its_place() -> None:
    """The link names the attempt beside it; the probability goes into the confidence."""
    book = Book()
    first = factories.opened(QUESTION)
    book.answered(first)
    decision = book.decide(factories.opened(EDITED, at_s=30))

    assert decision.rule == "first_turn_edit"
    assert decision.sibling is not None
    assert decision.sibling.key == first.key
    assert 0.6 < decision.confidence < 1


@pytest.mark.parametrize(
    "other",
    [
        factories.opened(EDITED, at_s=300),
        factories.opened(EDITED, at_s=1.9),
        factories.opened(EDITED, at_s=30, client="another"),
        factories.opened(factories.system("Be rude."), EDITED, at_s=30),
        factories.opened(EDITED, at_s=30, stream=False),
        factories.opened("Which museums are open on Mondays?", at_s=30),
    ],
    ids=["too late", "sooner than one reads", "another client", "other instructions", "not streamed", "other words"],
)
def test_everything_must_agree(other: object) -> None:
    """A wrong merge costs more than a missed link."""
    book = Book()
    book.answered(factories.opened(QUESTION))
    assert isinstance(other, type(factories.opened()))
    assert book.decide(other).rule == "new"


def test_what_was_continued_is_not_edited() -> None:
    """Its person went on; the rewording is another's."""
    book = Book()
    book.answered(factories.opened(QUESTION), "The moon pulls at the water, mostly.")
    reply = (QUESTION, factories.assistant("The moon pulls at the water, mostly."), "Thanks, and the sun?")
    book.answered(factories.opened(*reply, at_s=20))
    assert book.decide(factories.opened(EDITED, at_s=40)).rule == "new"


def test_a_call_that_only_comes_later_is_no_title() -> None:
    """Side calls come within seconds."""
    book = Book()
    book.answered(factories.opened(QUESTION))
    title = factories.opened(f"Write a title for: {QUESTION}", at_s=60, stream=False)
    assert book.decide(title).rule == "new"
