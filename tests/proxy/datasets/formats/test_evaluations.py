"""Cases for evaluators."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.datasets.formats import evaluations
from backtalk.datasets.formats.unfit import UnfitError
from backtalk.plugin import Message, Sample, ToolCall
from backtalk.testing.samples import ASKED, a_sample, said

CASE = a_sample("eval_case", prompt=(ASKED, said("Light."), Message("user", "Which?")))


def test_every_evaluator_gets_question_and_reference() -> None:
    """Each by its own names."""
    inspect, foo = evaluations.inspect_ai(CASE), evaluations.promptfoo(CASE)
    deep, ragas = evaluations.deepeval(CASE), evaluations.ragas(CASE)
    assert (inspect["input"][-1]["content"], inspect["target"]) == ("Which?", "It scatters.")
    assert json.loads(foo["vars"]["messages"])[-1]["content"] == "Which?"
    assert foo["vars"]["reference"] == '"It scatters."'
    assert (deep["input"], deep["expected_output"], deep["actual_output"]) == ("Which?", "It scatters.", "Magic.")
    assert deep["context"] == ["user: Why is the sky blue?", "assistant: Light."]
    assert ragas == {"user_input": "Which?", "response": "Magic.", "reference": "It scatters."}


def test_inspect_names_functions_directly() -> None:
    """And has their arguments as an object."""
    called = Message("assistant", tool_calls=(ToolCall("c", "f", '{"a": 1}'),))
    (_, shaped, _) = evaluations.inspect_ai(a_sample("eval_case", prompt=(ASKED, called, ASKED)))["input"]
    assert shaped["tool_calls"] == [{"id": "c", "function": "f", "arguments": {"a": 1}, "type": "function"}]


@pytest.mark.parametrize("shape", [evaluations.deepeval, evaluations.ragas])
def test_case_that_does_not_end_with_a_question_has_no_single_turn(shape: Callable[[Sample], object]) -> None:
    """The answer to a tool's result is no answer to a question."""
    with pytest.raises(UnfitError, match="last_turn_not_by_user"):
        shape(a_sample("eval_case", prompt=(ASKED, Message("tool", "12 C"))))


@given(st.text(alphabet=st.sampled_from("{}%#\"\\ a\n'") | st.characters()))
def test_promptfoo_is_given_no_template_and_no_file(text: str) -> None:
    """JSON that means what was written, in which nothing begins a template."""
    test = evaluations.promptfoo(a_sample("eval_case", prompt=(Message("user", text),), reference=said(text or "x")))
    given = test["vars"]
    assert json.loads(given["messages"]) == [{"role": "user", "content": text}]
    assert json.loads(given["reference"]) == (text or "x")
    for value in given.values():
        assert value.startswith(("[", '"'))
        assert not any(mark in value for mark in ("{{", "{%", "{#", "#}"))


def test_arguments_that_are_no_object_are_no_call() -> None:
    """inspect_ai would refuse the whole file."""
    for arguments in ("[1]", "1e999", '{"a": "\\ud800"}', "{"):
        called = Message("assistant", tool_calls=(ToolCall("c", "f", arguments),))
        with pytest.raises(UnfitError, match="tool_arguments_not_json"):
            evaluations.inspect_ai(a_sample("eval_case", prompt=(ASKED, called)))
