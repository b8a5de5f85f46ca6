"""Views: what detectors see of a decision."""

from backtalk.detect.views import view_again, view_of
from backtalk.model.facts import SessionLinked
from backtalk.testing import factories
from backtalk.testing.sessions import Book, arrival

ANSWER = "The moon pulls at the water, mostly."


def test_a_view_holds_the_turns_around_the_call() -> None:
    """Texts, times and the end of the parent; how alike the new text is."""
    book = Book()
    first = factories.opened("Why are there tides?")
    book.answered(first, ANSWER)
    second = factories.opened("Why are there tides?", factories.assistant(ANSWER), "And on lakes?", at_s=20)
    view = view_of(second, arrival(second), book.decide(second))

    assert view.parent is not None
    assert (view.parent.key, view.parent.user_text, view.parent.answer_text) == (
        first.key,
        "Why are there tides?",
        ANSWER,
    )
    assert view.parent.was_shown
    assert view.earlier == (view.parent,)
    assert view.user_text == "And on lakes?"
    assert view.follow_up is not None
    assert view.follow_up.reformulation < 0.5


def test_a_view_from_the_fact_alone_keeps_session_and_rule() -> None:
    """After a restart the turns are gone, the decision is not."""
    key = factories.call_key(1)
    view = view_again(SessionLinked(key.trace_id, key.span_id, "session", "next_turn", 0.9, 1))
    assert (view.session_id, view.rule, view.confidence, view.parent) == ("session", "next_turn", 0.9, None)
