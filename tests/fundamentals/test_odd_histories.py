"""What apps do to a history before they resend it: each is still one session, or says how unsure it is."""

from backtalk.detect.links import SURE
from backtalk.model.chat import Message
from backtalk.model.facts import CallOpened, SessionLinked
from backtalk.observe.anthropic import request_messages
from backtalk.testing import factories
from backtalk.testing.dialogue import Dialogue, Stage

FLOOD = "Where did the river flood last spring?"
AT_THE_BRIDGE = "It flooded at the old bridge in the lower town."
FOUR_METRES = "It rose to four metres above its usual level."


def test_a_running_summary_in_place_of_the_beginning() -> None:
    """The app folds old turns into a text of its own and keeps the last exchange."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says(FLOOD, answer=AT_THE_BRIDGE)
    second = chat.says("And how high did it rise?", answer=FOUR_METRES)
    chat.history = [factories.user("Summary so far: the user asks about a flood."), *chat.history[-2:]]
    third = chat.says("When was that exactly?")

    assert (stage.link(third).rule, stage.link(third).parent) == ("rewritten_prefix", second)


def test_found_passages_inside_the_users_message() -> None:
    """Sent with each question and left out of the history: the question alone stands there later."""
    stage = Stage()
    chat = Dialogue(stage)
    passages = "Context: [1] The town lies on a river. [2] Spring was wet."
    first = chat.says(f"{passages}\n\nQuestion: {FLOOD}", answer=AT_THE_BRIDGE)
    chat.history[0] = factories.user(FLOOD)
    second = chat.says("Context: [1] The gauge read 4 m.\n\nQuestion: And how high did it rise?")

    assert stage.link(second).parent == first
    assert stage.link(second).session_id == stage.link(first).session_id


def test_a_clock_inside_each_message() -> None:
    """The time of sending changes what was said before as well."""
    stage = Stage()
    chat = Dialogue(stage)
    first = chat.says(f"[10:01:07] {FLOOD}", answer=AT_THE_BRIDGE)
    chat.history[0] = factories.user(f"[10:02:31] {FLOOD}")
    second = chat.says("[10:02:31] And how high did it rise?")

    assert stage.link(second).parent == first


def test_children_of_one_answer_at_once() -> None:
    """An agent asks three things from one state; each is in the session, and none repeats another."""
    stage = Stage()
    chat = Dialogue(stage)
    first = chat.says("Plan my trip to Prague.", answer="I will look up trains, hotels and museums for you.")
    children = [
        factories.opened(*chat.history, f"Look up {what}.", at_s=stage.now_s + 1 + 0.01 * number, stream=False)
        for number, what in enumerate(("the trains", "some hotels", "good museums"))
    ]
    for child in children:
        stage.open(child)

    assert {stage.link(child.key).session_id for child in children} == {stage.link(first).session_id}
    assert {stage.link(child.key).parent for child in children} == {first}
    assert not [signal for signal in stage.signals if signal.polarity == "negative"]


def test_a_tool_loop_of_many_steps() -> None:
    """Each step resends the calls and results before it."""
    stage = Stage()
    history: list[Message | str] = ["What is the weather in Turin and in Rome?"]
    calls: list[CallOpened] = []
    for step in range(3):
        asked = factories.opened(*history, at_s=step * 5.0)
        stage.open(asked)
        call = factories.tool_call("weather", f'{{"city": "{step}"}}')
        stage.close(factories.closed(asked, factories.assistant_calls(call)))
        history += [factories.assistant_calls(call), factories.tool_result(call, "sunny")]
        calls.append(asked)

    links = [stage.link(asked.key) for asked in calls]
    assert [link.rule for link in links] == ["new", "tool_step", "tool_step"]
    assert [link.parent for link in links[1:]] == [calls[0].key, calls[1].key]


def test_the_same_dialogue_in_anthropics_dialect() -> None:
    """Content in blocks, instructions beside the messages: the history is the same."""
    stage = Stage()
    chat = Dialogue(stage, api="messages", path="/v1/messages")
    first = chat.says(FLOOD, answer=AT_THE_BRIDGE)
    body = {
        "system": "Be helpful.",
        "messages": [
            {"role": "user", "content": FLOOD},
            {"role": "assistant", "content": [{"type": "text", "text": AT_THE_BRIDGE}]},
            {"role": "user", "content": [{"type": "text", "text": "And how high did it rise?"}]},
        ],
    }
    resent = request_messages(body) or ()
    second = factories.opened(*resent, at_s=stage.now_s + 9, api="messages", path="/v1/messages")
    stage.open(second)

    assert (stage.link(second.key).rule, stage.link(second.key).parent) == ("next_turn", first)


def test_many_people_behind_one_address() -> None:
    """Same greeting, same answer: the link says how sure it is, and below 0.6 nothing is said of an answer."""
    stage = Stage()
    chats = [Dialogue(stage) for _ in range(5)]
    for chat in chats:
        chat.says("hello", answer="Hello! How can I help you today?", read_s=0.5)
    impatient = chats[0].says("Let me talk to a human.", read_s=0.5)
    link = stage.link(impatient)

    assert link.confidence < SURE
    assert not stage.signals


def test_the_same_people_told_apart_by_name() -> None:
    """A `user` field ends the doubt."""
    stage = Stage()
    chats = [Dialogue(stage, end_user=f"u{number}") for number in range(5)]
    greeted = [chat.says("hello", answer="Hello! How can I help you today?", read_s=0.5) for chat in chats]
    impatient = chats[0].says("Let me talk to a human.", read_s=0.5)

    assert stage.link(impatient).parent == greeted[0]
    assert stage.link(impatient).confidence == 1.0
    assert [(signal.kind, signal.about) for signal in stage.signals] == [("escalation", greeted[0])]


def test_a_history_that_nobody_here_answered() -> None:
    """The first call seen of a running dialogue: a session begins with it, and the link says what was missing."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.history = [factories.user(FLOOD), factories.assistant(AT_THE_BRIDGE)]
    orphan = chat.says("And how high did it rise?")
    stage.wait(5)

    links = [fact for fact in stage.facts if isinstance(fact, SessionLinked) and fact.key == orphan]
    assert [(link.rule, link.parent) for link in links] == [("new", None)]
    assert links[0].evidence["awaits_parent"] is True
