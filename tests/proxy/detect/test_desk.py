"""The desk: waiting for late parents, restarts, repeats, and what it does where the store is away."""

from pathlib import Path

import msgspec

from backtalk.detect.late_parents import LATE_PARENT_NS
from backtalk.model.facts import CallClosed, SessionLinked
from backtalk.model.meter import NoMeter
from backtalk.session.redis_store import RedisSessionStore
from backtalk.testing import factories
from backtalk.testing.dialogue import SECRET, Dialogue, Stage

ANSWER = "The moon pulls at the water of the sea."


def _parent_and_child() -> tuple[CallClosed, CallClosed]:
    """A parent whose close is written half a second after its child arrived."""
    parent = factories.opened("Why tides?", at_s=0)
    child = factories.opened("Why tides?", factories.assistant(ANSWER), "Thanks", at_s=3)
    return factories.closed(parent, ANSWER, after_s=3.5), factories.closed(child, after_s=5)


def test_a_child_waits_for_its_parents_close() -> None:
    """It is decided once, a moment later, with the parent it has."""
    stage = Stage()
    parent, child = _parent_and_child()
    stage.open(parent.opened)
    stage.open(child.opened)
    assert not [fact for fact in stage.facts if isinstance(fact, SessionLinked) and fact.key == child.key]
    stage.close(parent)
    stage.now_s = 3
    stage.wait(LATE_PARENT_NS / 1e9)

    assert stage.link(child.key).parent == parent.key


def test_a_child_that_ends_first_is_decided_at_its_end() -> None:
    """The closed call's fact needs a session."""
    stage = Stage()
    parent, child = _parent_and_child()
    stage.open(parent.opened)
    stage.open(child.opened)
    stage.close(factories.closed(child.opened, after_s=0.2))
    (closed,) = [fact for fact in stage.facts if isinstance(fact, CallClosed)]

    assert stage.link(child.key).rule == "new"
    assert closed.session_id == stage.link(child.key).session_id


def test_a_restart_while_a_child_waits_changes_nothing() -> None:
    """The other process decides what the first had put off, with the same result."""
    links: list[SessionLinked] = []
    for restarts in (False, True):
        stage = Stage()
        parent, child = _fixed(_parent_and_child())
        stage.open(parent.opened)
        stage.open(child.opened)
        if restarts:
            stage.restart(parent.opened, child.opened)
        stage.close(parent)
        stage.wait(10)
        stage.close(child)
        links.append(stage.link(child.key))

    assert links[0] == links[1]
    assert links[0].parent is not None


def test_the_same_arrival_twice_is_decided_the_same() -> None:
    """A kill between deciding and writing it down leads to a second decision, equal to the first."""
    stage = Stage()
    chat = Dialogue(stage)
    chat.says("How do the tides work on a coast?")
    again = factories.opened(*(factories.system("Be helpful."), *chat.history[:1]), at_s=stage.now_s + 9)
    first = stage.desk.opened(again)
    later = factories.opened(*again.request.messages, at_s=stage.now_s + 12)
    stage.desk.opened(later)
    stage.restart()

    assert stage.desk.opened(again) == first
    assert [type(fact).__name__ for fact in first] == ["SessionLinked", "SignalFound"]


def test_a_closed_call_is_the_same_after_a_restart() -> None:
    """Session and signals of its end come from facts alone."""
    ends: list[list[object]] = []
    call = factories.opened("Why are there tides?", key=factories.call_key(7))
    end = factories.closed(call, "The moon", outcome="client_disconnected")
    for restarts in (False, True):
        stage = Stage()
        stage.open(call)
        if restarts:
            stage.restart(call)
        fact, found = stage.desk.closed(end)
        ends.append([fact, *found])

    assert ends[0] == ends[1]


def test_a_close_without_its_opening_is_understood() -> None:
    """The opened fact within it is enough."""
    stage = Stage()
    end = factories.closed(factories.opened("Why are there tides?"))
    stage.close(end)

    assert stage.link(end.key).rule == "new"


def test_a_call_that_is_no_dialogue_has_a_session_of_its_own() -> None:
    """Embeddings and lists of models are not followed."""
    stage = Stage()
    call = factories.opened(api="embeddings", path="/v1/embeddings")
    stage.open(call)
    stage.close(factories.closed(call))

    assert stage.link(call.key).rule == "not_chat"


def test_an_evaluation_asks_again_and_nobody_takes_it_for_a_person() -> None:
    """The same prompt, moments after a user had its answer: no regeneration, no session with it; a user's is one."""
    for purpose, noticed in (("evaluation", []), (None, ["regeneration"])):
        stage = Stage()
        asked = factories.opened("How do the tides work on a coast?")
        stage.open(asked)
        stage.close(factories.closed(asked, ANSWER, after_s=1))
        again = factories.opened("How do the tides work on a coast?", at_s=20)
        again = msgspec.structs.replace(again, request=msgspec.structs.replace(again.request, purpose=purpose))
        stage.open(again)
        stage.close(factories.closed(again, ANSWER, after_s=21))

        assert stage.kinds == noticed
        assert (stage.link(again.key).rule == "not_chat") is (purpose is not None)


def test_without_redis_every_call_gets_its_facts(tmp_path: Path) -> None:
    """Links say `no_state`; a stop, which needs no history, is still noticed."""
    stage = Stage(RedisSessionStore(f"unix://{tmp_path}/nobody.sock", secret=SECRET, metrics=NoMeter()))
    chat = Dialogue(stage)
    chat.says("How do the tides work on a coast?")
    chat.regenerates(answer="The moon", outcome="client_disconnected")

    assert {fact.rule for fact in stage.facts if isinstance(fact, SessionLinked)} == {"no_state"}
    assert stage.kinds == ["stop"]


def test_nothing_is_said_of_quality_on_a_link_that_is_a_guess() -> None:
    """Below 0.6 the detectors are not asked."""
    stage = Stage()
    for _ in range(4):
        Dialogue(stage).says("hi", answer="Hello! How can I help you today?", read_s=1)
    guess = Dialogue(stage)
    guess.history = [factories.user("hi"), factories.assistant("Hello! How can I help you today, dear friend?")]
    shows_it = guess.says("What is the time in Lima?")

    assert stage.link(shows_it).rule == "assistant_edited"
    assert stage.link(shows_it).confidence < 0.6
    assert not stage.signals


def test_two_stages_make_the_same_signal_ids() -> None:
    """An id is a hash of what the signal says: a replay finds the same ones."""
    ids: list[str] = []
    for _ in range(2):
        stage = Stage()
        first = factories.opened("Why are there tides?", key=factories.call_key(1))
        again = factories.opened("Why are there tides?", key=factories.call_key(2), at_s=20)
        for call in (first, again):
            stage.open(call)
            stage.close(factories.closed(call))
        ids += [signal.signal_id for signal in stage.signals]

    assert len(ids) == 2
    assert len(set(ids)) == 1


def _fixed(calls: tuple[CallClosed, CallClosed]) -> tuple[CallClosed, CallClosed]:
    """The same calls with keys that are the same each time."""
    parent = factories.opened("Why tides?", at_s=0, key=factories.call_key(1))
    messages = calls[1].opened.request.messages
    child = factories.opened(*messages, at_s=3, key=factories.call_key(2))
    return factories.closed(parent, ANSWER, after_s=3.5), factories.closed(child, after_s=5)


def test_behind_its_time_it_compares_no_texts_and_says_so() -> None:
    """What costs most is left out first, marked so that a replay can make it up; what needs no texts is still found."""
    kinds: list[list[str]] = []
    marks: list[object] = []
    for lag_s in (60.0, 0.0):
        stage = Stage()
        stage.desk.note_lag(lag_s)
        person = Dialogue(stage)
        person.says("Tell me of the sea.")
        person.says("How do the tides work on a coast?", answer=ANSWER)
        edited = person.edits("How exactly do the tides on a coast work?")
        person.regenerates()
        kinds.append(stage.kinds)
        marks.append(stage.link(edited).evidence.get("skipped"))

    assert kinds == [["regeneration"], ["reformulation", "regeneration"]]
    assert marks == ["lag", None]
