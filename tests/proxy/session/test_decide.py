"""The decision as a pure function: order, windows, collisions, lateness, and the same answer each time."""

import pytest

from backtalk.model.facts import CallOpened
from backtalk.session.candidates import Windows
from backtalk.session.canonical import Hasher
from backtalk.session.decide import Decision, decide
from backtalk.session.memory_store import MemorySessionStore
from backtalk.session.store import Evidence, Lifetimes
from backtalk.testing import factories
from backtalk.testing.dialogue import Dialogue, Stage
from backtalk.testing.sessions import SECRET, arrival, completion

HASHER = Hasher(SECRET)
WINDOWS = Windows()
FOREVER = Lifetimes(answer_s=10**6, recent_s=10**6)
ANSWER = "The moon pulls at the water of the sea."


def _decide(store: MemorySessionStore, call: CallOpened, *, as_of_s: float | None = None) -> Decision:
    arrived = arrival(call)
    as_of_ns = call.opened_ns if as_of_s is None else factories.ns(as_of_s)
    decision = decide(arrived, store.arrive(arrived), HASHER, WINDOWS, as_of_ns)
    if decision.link:
        store.link(arrived, decision.link)
    return decision


def _answered(store: MemorySessionStore, call: CallOpened, answer: str = ANSWER, after_s: float = 1.0) -> Decision:
    decision = _decide(store, call)
    store.complete(completion(factories.closed(call, answer, after_s=after_s)))
    return decision


def test_without_a_store_there_is_no_confidence() -> None:
    """The call gets a session of its own; nothing is claimed."""
    call = arrival(factories.opened("Hi"))
    decision = decide(call, Evidence(available=False), HASHER, WINDOWS, call.opened_ns)
    assert (decision.rule, decision.confidence) == ("no_state", 0.0)


def test_later_calls_are_no_evidence() -> None:
    """A call decided again after a kill does not see what came after it."""
    store = MemorySessionStore(FOREVER)
    early, late = factories.opened("Tell me of the sea", at_s=0), factories.opened("Tell me of the sea", at_s=9)
    first = _decide(store, early)
    _decide(store, late)
    assert _decide(store, early) == first


def test_of_two_calls_in_one_instant_one_is_earlier() -> None:
    """The id decides, so that exactly one sees the other."""
    store = MemorySessionStore(FOREVER)
    calls = [factories.opened("Why tides?", key=factories.call_key(n), stream=False) for n in (2, 1)]
    for call in calls:
        store.arrive(arrival(call))
    assert [_decide(store, call).rule for call in calls] == ["duplicate", "new"]


@pytest.mark.parametrize(("seconds", "rule"), [(59, "automatic_retry"), (61, "repeat")])
def test_a_failure_is_retried_within_a_minute(seconds: float, rule: str) -> None:
    """Later than that a person tries again."""
    store = MemorySessionStore(FOREVER)
    _answered(store, factories.opened("Why tides?"))
    again = ("Why tides?", factories.assistant(ANSWER), "And on lakes?")
    failed = factories.opened(*again, at_s=10)
    _decide(store, failed)
    store.complete(completion(factories.closed(failed, "", status=500, after_s=0)))
    assert _decide(store, factories.opened(*again, at_s=10 + seconds)).rule == rule


@pytest.mark.parametrize(("seconds", "rule"), [(250, "first_turn_repeat"), (1_000, "new")])
def test_a_first_turn_is_repeated_within_minutes(seconds: float, rule: str) -> None:
    """Windows are compared in the time of facts, whatever the store still holds."""
    store = MemorySessionStore(FOREVER)
    _answered(store, factories.opened("Why are there tides?"))
    assert _decide(store, factories.opened("Why are there tides?", at_s=seconds)).rule == rule


def test_a_known_user_may_repeat_a_greeting() -> None:
    """What is nobody's from an address is somebody's with a name."""
    store = MemorySessionStore(FOREVER)
    _answered(store, factories.opened("hi", end_user="u-1"))
    assert _decide(store, factories.opened("hi", end_user="u-1", at_s=20)).rule == "first_turn_repeat"


def test_a_collision_goes_to_the_same_client() -> None:
    """Two people had the same exchange; the address tells them apart."""
    store = MemorySessionStore(FOREVER)
    calls = {name: factories.opened("hi", client=name, at_s=at) for name, at in (("a", 0), ("b", 5))}
    for call in calls.values():
        _answered(store, call, "Hello! How can I help you today?")
    reply = ("hi", factories.assistant("Hello! How can I help you today?"), "What is the time in Lima?")
    decision = _decide(store, factories.opened(*reply, client="a", at_s=30))
    assert decision.parent is not None
    assert decision.parent.key == calls["a"].key
    assert decision.confidence > 0.6


def test_a_collision_at_one_address_is_not_trusted() -> None:
    """With nothing to tell them apart the link is a guess, and says so."""
    store = MemorySessionStore(FOREVER)
    for at in (0, 2, 4):
        _answered(store, factories.opened("hi", at_s=at), "Hello! How can I help you today?")
    reply = ("hi", factories.assistant("Hello! How can I help you today?"), "What is the time in Lima?")
    decision = _decide(store, factories.opened(*reply, at_s=30))
    assert decision.rule == "next_turn"
    assert decision.confidence < 0.6


def test_an_answer_after_the_arrival_does_not_count_at_first() -> None:
    """The parent's close may come a moment late; until then the history is unresolved."""
    store = MemorySessionStore(FOREVER)
    parent = factories.opened("Why tides?")
    _decide(store, parent)
    child = factories.opened("Why tides?", factories.assistant(ANSWER), "Thanks", at_s=3)
    assert not _decide(store, child).resolved
    store.complete(completion(factories.closed(parent, ANSWER, after_s=3.4)))
    assert not _decide(store, child).resolved
    assert _decide(store, child, as_of_s=4).rule == "next_turn"


def test_few_shot_examples_are_nobodys_history() -> None:
    """The same invented history before many questions makes no branches."""
    store = MemorySessionStore(FOREVER)
    shots = ("Good film", factories.assistant("That is a positive review, I would say."))
    rules = [
        _decide(store, factories.opened(*shots, text, at_s=n)).rule for n, text in enumerate(("Bad", "Fine", "Meh"))
    ]
    assert rules == ["new"] * 3


def test_rows_of_a_template_are_no_edits() -> None:
    """An app that streams one row after another repeats its frame, not itself."""
    store = MemorySessionStore(FOREVER)
    frame = "Translate the following customer message into French, politely: "
    rows = ("the parcel is late", "the parcel was late", "my parcel is late", "the parcel is too late")
    rules = [_answered(store, factories.opened(frame + row, at_s=9 * n)).rule for n, row in enumerate(rows)]
    assert rules[-2:] == ["new", "new"]


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


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("Context: rain.\nQuestion: Why is it wet?", "Context: the sea.\nQuestion: Why is it wet?", "repeat"),
        ("Fix this code: a = 1\nThank you.", "Fix this code: a = 2\nThank you.", "branch"),
        ("Why is it wet?", "Why is it so wet?", "branch"),
    ],
)
def test_a_repeat_is_of_the_typed_words(before: str, after: str, rule: str) -> None:
    """New context around the same question is the same again; a small change above a courtesy is an edit."""
    store = MemorySessionStore(FOREVER)
    _answered(store, factories.opened("Hello to you"))
    _answered(store, factories.opened("Hello to you", factories.assistant(ANSWER), before, at_s=9), "It is water.")
    again = factories.opened("Hello to you", factories.assistant(ANSWER), after, at_s=29)
    assert _decide(store, again).rule == rule
