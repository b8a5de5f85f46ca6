"""Continuations: collisions, invented histories, and edits where the history is cut."""

from backtalk.testing import factories
from backtalk.testing.dialogue import Dialogue, Stage
from backtalk.testing.sessions import ANSWER, Book


def test_a_collision_goes_to_the_same_client() -> None:
    """Two people had the same exchange; the address tells them apart."""
    book = Book()
    calls = {name: factories.opened("hi", client=name, at_s=at) for name, at in (("a", 0), ("b", 5))}
    for call in calls.values():
        book.answered(call, "Hello! How can I help you today?")
    reply = ("hi", factories.assistant("Hello! How can I help you today?"), "What is the time in Lima?")
    decision = book.decide(factories.opened(*reply, client="a", at_s=30))
    assert decision.parent is not None
    assert decision.parent.key == calls["a"].key
    assert decision.confidence > 0.6


def test_a_collision_at_one_address_is_not_trusted() -> None:
    """With nothing to tell them apart the link is a guess, and says so."""
    book = Book()
    for at in (0, 2, 4):
        book.answered(factories.opened("hi", at_s=at), "Hello! How can I help you today?")
    reply = ("hi", factories.assistant("Hello! How can I help you today?"), "What is the time in Lima?")
    decision = book.decide(factories.opened(*reply, at_s=30))
    assert decision.rule == "next_turn"
    assert decision.confidence < 0.6


def test_few_shot_examples_are_nobodys_history() -> None:
    """The same invented history before many questions makes no branches."""
    book = Book()
    shots = ("Good film", factories.assistant("That is a positive review, I would say."))
    rules = [book.decide(factories.opened(*shots, text, at_s=n)).rule for n, text in enumerate(("Bad", "Fine", "Meh"))]
    assert rules == ["new"] * 3


def test_an_edit_in_a_cut_history_is_found_by_the_question_before_it() -> None:
    """A window of one exchange still holds the question; the edited answer resembles what was given."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says("Tell me of the sea and its water.")
    about = chat.says("Why are there tides on a coast?", answer=ANSWER)
    chat.history = chat.history[-2:]
    chat.edits_answer("The moon and the sun pull at the water of the sea.")
    shows_it = chat.says("And on lakes?")
    assert stage.link(shows_it).rule == "assistant_edited"
    assert stage.link(shows_it).parent == about
