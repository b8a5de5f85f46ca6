"""Arrivals and completions: what the store is told of a call."""

import pytest

from backtalk.detect.arrivals import CHOICES, is_dialogue
from backtalk.testing import factories
from backtalk.testing.sessions import arrival, completion

_SPOKEN = "chat responses completions messages ollama_chat ollama_generate"
_OTHERS = "embeddings count_tokens stored_responses realtime images transcriptions other"


@pytest.mark.parametrize(
    ("api", "followed"), [*((api, True) for api in _SPOKEN.split()), *((api, False) for api in _OTHERS.split())]
)
def test_only_dialogues_are_followed(api: str, followed: bool) -> None:
    """Every dialect that is spoken; what only counts, looks, draws or embeds is no turn of a conversation."""
    assert is_dialogue(factories.opened("Hi", api=api)) is followed


def test_a_call_without_messages_is_no_dialogue() -> None:
    """A body that could not be understood has none."""
    assert not is_dialogue(factories.opened())


def test_only_first_turns_are_listed_as_recent() -> None:
    """A history names its parent itself."""
    assert arrival(factories.opened("Hi")).recent is not None
    assert arrival(factories.opened("Hi", factories.assistant("Hello."), "Why?")).recent is None


def test_a_part_that_was_shown_can_be_continued() -> None:
    """The client left in the middle; the app resends what it had got."""
    end = factories.closed(factories.opened("Why?"), "Because of", outcome="client_disconnected")
    assert len(completion(end).frontiers) == len(completion(end).answers) == 1


def test_a_part_cut_by_the_upstream_cannot_be_continued() -> None:
    """The app shows an error."""
    assert not completion(factories.closed(factories.opened("Why?"), "Because", outcome="upstream_error")).frontiers


def test_choices_are_bounded() -> None:
    """N may be large; a person sees few."""
    choices = [factories.assistant(f"Answer number {n}") for n in range(50)]
    assert len(completion(factories.closed(factories.opened("Why?"), choices=choices)).frontiers) == CHOICES
