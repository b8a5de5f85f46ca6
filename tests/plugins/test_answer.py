"""The answer detector: what did not deliver, seen at its own end."""

import msgspec
import pytest

from backtalk.model.chat import Message, Response
from backtalk.model.facts import CallClosed
from backtalk.testing import factories
from backtalk.testing.conformance import check_detector
from backtalk_answer import Answer


def test_it_conforms() -> None:
    """Loads, is pure, survives odd facts, claims within bounds, is quick."""
    check_detector(Answer)


def kinds(fact: CallClosed) -> list[str]:
    """What is claimed of a call."""
    found = Answer().observe(fact, factories.view())
    assert all(signal.about == fact.key for signal in found)
    return [signal.kind for signal in found]


def ended(text: str, *earlier: str | Message, **response: object) -> CallClosed:
    """A call that was answered."""
    fact = factories.closed(factories.opened("Why?", *earlier), text)
    return msgspec.structs.replace(fact, response=msgspec.structs.replace(fact.response, **response))


@pytest.mark.parametrize(
    "text", ["I'm sorry, but I can't help with that.", "Dabei kann ich nicht helfen.", "我无法提供"]
)
def test_an_answer_that_declines_is_a_refusal(text: str) -> None:
    """In the words of models."""
    assert "refusal" in kinds(ended(text))


def test_the_field_says_it_best() -> None:
    """Whatever the text."""
    refused = ended("", choices=(Message("assistant", refusal="No."),))
    assert kinds(refused) == ["refusal"]


@pytest.mark.parametrize("text", ["The moon pulls at the sea.", "I can help with that: the moon pulls."])
def test_an_answer_that_delivers_is_none(text: str) -> None:
    """Nothing is claimed."""
    assert kinds(ended(text)) == []


def test_nothing_said_is_an_empty_answer() -> None:
    """A tool call says something."""
    call = factories.assistant_calls(factories.tool_call("look_up"))
    assert kinds(ended("", choices=(Message("assistant"),))) == ["empty_answer"]
    assert kinds(ended("", choices=(call,))) == []


def test_an_answer_that_a_limit_cut_is_exhausted() -> None:
    """Length and filters by the finish reason, rate and context by the refusal of the provider."""
    assert kinds(ended("The moon", finish_reasons=("length",))) == ["exhaustion"]
    limited = msgspec.structs.replace(ended(""), status=429, response=Response())
    assert kinds(limited) == ["exhaustion"]
    too_long = Response(error_message="This model's maximum context length is 8192 tokens")
    assert kinds(msgspec.structs.replace(ended(""), status=400, response=too_long)) == ["exhaustion"]


def test_an_apology_after_an_apology_is_a_loop() -> None:
    """One alone is manners."""
    sorry = factories.assistant("I apologize for the confusion. It is the sun.")
    assert kinds(ended("I apologize. It is the moon.")) == []
    assert kinds(ended("I apologize again. It is the wind.", sorry, "No")) == ["apology_loop"]
