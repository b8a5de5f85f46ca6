"""Pairs out of a selection."""

import json

import pytest

from backtalk.datasets.dpo import edited_answer, pairs
from backtalk.datasets.select import Correction, Edit, Exchange, Selection
from backtalk.datasets.trl import UnfitError
from backtalk.model.chat import Message
from backtalk.testing import stories

SYSTEM, ASKED, MORE = Message("system", "Be brief."), Message("user", "Why?"), Message("user", "And then?")
ANSWER, EDITED = Message("assistant", "Because."), Message("assistant", "Because of light.")


def exchange(*asked: Message, answers: tuple[Message, ...] = (ANSWER,)) -> Exchange:
    """A call with these messages."""
    return Exchange(stories.a_key(), asked, answers, None)


def test_edit_is_found_behind_the_earlier_conversation() -> None:
    """Instructions that changed in between do not shift the place."""
    assert edited_answer([SYSTEM, ASKED], [ASKED, EDITED, MORE]) == EDITED


@pytest.mark.parametrize("resent", [[ASKED], [ASKED, MORE], []])
def test_conversation_that_does_not_go_on_shows_no_edit(resent: list[Message]) -> None:
    """Where no answer stands at the place, nothing is made up."""
    with pytest.raises(UnfitError, match="edit_not_found"):
        edited_answer([ASKED], resent)


def test_pairs_are_in_the_order_of_time() -> None:
    """Corrections and edits are one sequence, whatever order they were selected in."""
    late = Correction("fb-1", 30, '"late"', exchange(ASKED))
    early = Correction("fb-2", 10, '"early"', exchange(ASKED))
    between = Edit("sig-1", 20, exchange(ASKED), exchange(ASKED, EDITED, MORE))

    made = pairs(Selection((late, early), (between,), ()))

    chosen = [json.loads(pair.line)["chosen"][0]["content"] for pair in made.pairs]
    assert chosen == ["early", "Because of light.", "late"]


def test_one_of_several_choices_cannot_be_the_rejected_one() -> None:
    """Nobody knows which of them was meant."""
    correction = Correction("fb-1", 1, '"better"', exchange(ASKED, answers=(ANSWER, EDITED)))

    made = pairs(Selection((correction,), (), ()))

    assert made.pairs == ()
    assert [(one.id, one.reason) for one in made.left_out] == [("fb-1", "several_choices")]
