"""Sessions where the provider holds the history: a call names the response or the conversation that it continues."""

from typing import Any

import msgspec

from backtalk.model.facts import CallOpened
from backtalk.model.ids import CallKey
from backtalk.testing import factories
from backtalk.testing.dialogue import Stage

ANSWER = "The moon pulls at the water of the sea."


def responds(
    stage: Stage, text: str, *, after: CallKey | None = None, conversation: str | None = None, **how: Any
) -> CallKey:
    """One call of the responses API: only what is new is sent; its response is named after its span."""
    stage.now_s += 15
    path = "/v1/responses"
    call = factories.opened(text, at_s=stage.now_s, api="responses", path=path, session=conversation, **how)
    held = {"previous_response": response_id(after) if after else None, "conversation": conversation}
    call = msgspec.structs.replace(call, request=msgspec.structs.replace(call.request, **held))
    stage.open(call)
    stage.now_s += 2
    stage.close(factories.closed(call, ANSWER, after_s=2))
    return call.key


def response_id(call: CallKey) -> str:
    """The id of a call's response."""
    return f"chatcmpl-{call.span_id}"


def test_a_response_is_continued_by_its_id() -> None:
    """No history is sent, and still it is one session, turn by turn."""
    stage = Stage()
    first = responds(stage, "How do tides work?")
    second = responds(stage, "And how often?", after=first)
    third = responds(stage, "Thanks!", after=second)
    assert [stage.link(call).rule for call in (second, third)] == ["next_turn", "next_turn"]
    assert [stage.link(call).parent for call in (second, third)] == [first, second]
    assert len({stage.link(call).session_id for call in (first, second, third)}) == 1
    assert stage.kinds == ["acceptance"]


def test_the_same_words_after_the_same_response_are_a_regeneration() -> None:
    """As they are after the same history; other words are a reformulation or a branch."""
    stage = Stage()
    first = responds(stage, "How do tides work?")
    second = responds(stage, "How often do they come in a day?", after=first)
    responds(stage, "How often do they come in a day?", after=first)
    assert [(signal.kind, signal.about) for signal in stage.signals] == [("regeneration", second)]
    other = responds(stage, "How often in one day do the tides come?", after=first)
    assert stage.link(other).rule == "branch"


def test_another_tenants_response_is_not_continued() -> None:
    """An id alone opens nothing."""
    stage = Stage()
    first = responds(stage, "How do tides work?", tenant="a")
    other = responds(stage, "And how often?", after=first, tenant="b")
    stage.wait(2)
    assert stage.link(other).parent is None
    assert stage.link(other).session_id != stage.link(first).session_id


def test_a_conversation_goes_on_with_each_call() -> None:
    """Each call continues the latest; what is said twice was said twice, for nobody can go back there."""
    stage = Stage()
    calls = [responds(stage, text, conversation="conv_1") for text in ("How do tides work?", "Go on.", "Go on.")]
    assert [stage.link(call).parent for call in calls[1:]] == calls[:2]
    assert len({stage.link(call).session_id for call in calls}) == 1
    assert stage.kinds == []


def test_a_retry_within_a_conversation_is_one() -> None:
    """The same request right after a failure is software's."""
    stage = Stage()
    responds(stage, "How do tides work?", conversation="conv_1")
    failed = _fails(stage, "Go on.")
    again = responds(stage, "Go on.", conversation="conv_1")
    assert stage.link(again).rule == "automatic_retry"
    assert stage.link(again).sibling == failed.key


def _fails(stage: Stage, text: str) -> CallOpened:
    stage.now_s += 15
    call = factories.opened(text, at_s=stage.now_s, api="responses", path="/v1/responses", session="conv_1")
    call = msgspec.structs.replace(call, request=msgspec.structs.replace(call.request, conversation="conv_1"))
    stage.open(call)
    stage.now_s += 1
    stage.close(factories.closed(call, "", after_s=1, status=503))
    return call
