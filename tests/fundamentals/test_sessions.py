"""How calls become sessions: nothing but the history that a chat app resends."""

from backtalk.testing import factories
from backtalk.testing.dialogue import Dialogue, Stage


def test_a_dialogue_is_one_session() -> None:
    """Each call resends the history; the answer in it says which call it continues."""
    stage = Stage()
    chat = Dialogue(stage)
    first = chat.says("Where did the river flood last spring?")
    second = chat.says("And how high did it rise?")

    assert stage.link(second).rule == "next_turn"
    assert stage.link(second).parent == first
    assert stage.link(second).session_id == stage.link(first).session_id


def test_two_people_are_two_sessions() -> None:
    """Other words, other answers: another conversation, even from one address."""
    stage = Stage()
    mine, yours = Dialogue(stage), Dialogue(stage)
    a = mine.says("Where did the river flood last spring?", answer="It flooded at the old bridge.")
    b = yours.says("What is a good name for a cat?", answer="Call it Marmalade, or something shorter.")
    c = mine.says("Thanks.")

    assert stage.link(c).parent == a
    assert stage.link(a).session_id != stage.link(b).session_id


def test_instructions_are_left_out() -> None:
    """A date in the system prompt changes with each call and means nothing for the session."""
    stage = Stage()
    chat = Dialogue(stage, instructions="It is 10:01.")
    first = chat.says("What is due today?")
    chat.instructions = "It is 10:02."
    second = chat.says("And tomorrow?")

    assert stage.link(second).parent == first


def test_a_window_keeps_the_session() -> None:
    """An app that sends only the last exchanges is recognised by the answer in them."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says("Where did the river flood last spring?", answer="It flooded at the old bridge in the lower town.")
    second = chat.says("And how high did it rise?", answer="It rose to four metres above its usual level.")
    chat.history = chat.history[-2:]
    third = chat.says("When was that exactly?")

    assert stage.link(third).rule == "rewritten_prefix"
    assert stage.link(third).parent == second


def test_the_apps_own_name_wins() -> None:
    """A declared session is taken as it is, whatever the history says."""
    stage = Stage()
    first = Dialogue(stage, session="s-1").says("What is due today?")
    second = Dialogue(stage, session="s-1").says("Something else entirely.")
    third = Dialogue(stage, session="s-2").says("What is due today?")

    assert stage.link(first).session_id == stage.link(second).session_id
    assert stage.link(first).session_id != stage.link(third).session_id


def test_a_tools_result_continues_the_call_that_asked_for_it() -> None:
    """An agent's step resends the tool call of the answer before it."""
    stage = Stage()
    asked = factories.opened("What is the weather in Turin?", at_s=0)
    call = factories.tool_call("weather", '{"city": "Turin"}')
    stage.open(asked)
    stage.close(factories.closed(asked, factories.assistant_calls(call)))
    result = factories.tool_result(call, "sunny")
    step = factories.opened(*asked.request.messages, factories.assistant_calls(call), result, at_s=3)
    stage.open(step)

    assert stage.link(step.key).rule == "tool_step"
    assert stage.link(step.key).parent == asked.key


def test_tenants_share_nothing() -> None:
    """The same dialogue under another key is another session."""
    stage = Stage()
    mine, yours = Dialogue(stage, tenant="a"), Dialogue(stage, tenant="b")
    first = mine.says("Where did the river flood last spring?")
    yours.history = [*mine.history]
    second = yours.says("And how high did it rise?")

    assert stage.link(second).parent is None
    assert stage.link(second).session_id != stage.link(first).session_id


def test_many_people_say_hello() -> None:
    """Greetings at one address are not taken for one person's."""
    stage = Stage()
    calls = [Dialogue(stage).says("hello", answer="Hello! How can I help you today?") for _ in range(5)]

    assert len({stage.link(call).session_id for call in calls}) == 5
    assert stage.facts
    assert not stage.signals


def test_a_long_silence_is_a_new_visit_to_the_same_session() -> None:
    """Coming back after hours continues the session; the link says that it is another visit."""
    stage = Stage()
    chat = Dialogue(stage)
    first = chat.says("Where did the river flood last spring?")
    second = chat.says("And how high did it rise?", read_s=7_200)

    assert stage.link(second).session_id == stage.link(first).session_id
    assert stage.link(second).evidence["new_visit"] is True


def test_a_title_for_the_conversation_is_the_apps_own_call() -> None:
    """It quotes the first turn and comes right after it; it is in no person's session."""
    stage = Stage()
    chat = Dialogue(stage)
    first = chat.says("Where did the river flood last spring?")
    title = factories.opened(
        "Write a title for: Where did the river flood last spring?", at_s=stage.now_s + 1, stream=False
    )
    stage.open(title)

    assert stage.link(title.key).rule == "auxiliary"
    assert stage.link(title.key).evidence["auxiliary_to"] == first.request_id
    assert stage.link(title.key).session_id != stage.link(first).session_id
