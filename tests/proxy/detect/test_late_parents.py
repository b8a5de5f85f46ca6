"""A parent that becomes known late: the link and what follows from it are superseded, once."""

import pytest

from backtalk.detect.arrivals import arrival_of
from backtalk.detect.late_parents import AWAITS, LATE_PARENT_NS, MOST, SECOND_LOOK_NS, LateParents, Missed
from backtalk.model.facts import CallClosed, CallOpened, SessionLinked
from backtalk.session.canonical import Hasher
from backtalk.testing import factories
from backtalk.testing.dialogue import SECRET, Stage

ANSWER = "The moon pulls at the water of the sea."
DUE_S = (LATE_PARENT_NS + SECOND_LOOK_NS) / 1e9


class Late:
    """A question, its answer edited by the person who goes on, and a word after that, in a fixed order of arrival."""

    def __init__(self) -> None:
        self.parent = _closed(1, 0, "Why are there tides?")
        edited = factories.assistant("The moon pulls at the water of the sea, and so does the sun.")
        self.child = _closed(2, 5, "Why are there tides?", edited, "And at night?", after_s=0.5)
        words = (*self.child.opened.request.messages, factories.assistant("An answer."), "Thanks!")
        self.next = _closed(3, 6, *words, after_s=0.5)


def _closed(number: int, at_s: float, *messages: object, after_s: float = 1.0) -> CallClosed:
    answer = ANSWER if number == 1 else "An answer."
    call = factories.opened(*messages, at_s=at_s, key=factories.call_key(number))  # type: ignore[arg-type]
    return factories.closed(call, answer, after_s=after_s)


def _links(stage: Stage, call: CallClosed) -> list[SessionLinked]:
    return [fact for fact in stage.facts if isinstance(fact, SessionLinked) and fact.key == call.key]


def _run(stage: Stage, *calls: CallClosed) -> None:
    for call in calls:
        stage.open(call.opened)
        stage.close(call)


def test_a_parent_that_is_read_after_its_child_ended_is_linked_by_a_new_fact() -> None:
    """The child is decided without it, then again; the later link says that it supersedes, and brings its signal."""
    late, stage = Late(), Stage()
    _run(stage, late.child)
    _run(stage, late.parent)
    stage.wait(5 + DUE_S)
    first, second = _links(stage, late.child)

    assert (first.rule, first.parent, first.evidence[AWAITS], first.supersedes) == ("new", None, True, False)
    assert (second.rule, second.parent, second.supersedes) == ("assistant_edited", late.parent.key, True)
    assert second.session_id == stage.link(late.parent.key).session_id
    assert [(signal.kind, signal.about) for signal in stage.signals] == [("assistant_edit", late.parent.key)]


def test_what_went_on_from_the_child_moves_with_it() -> None:
    """A call that continued it meanwhile is put into the same session by a fact of its own; nothing is said twice."""
    late, stage = Late(), Stage()
    _run(stage, late.child, late.next, late.parent)
    stage.wait(5 + DUE_S)
    first, second = _links(stage, late.next)

    assert first.session_id == _links(stage, late.child)[0].session_id
    assert second.session_id == stage.link(late.parent.key).session_id
    assert (second.parent, second.supersedes) == (late.child.key, True)
    assert len({signal.signal_id for signal in stage.signals}) == len(stage.signals)


def test_a_parent_that_never_comes_changes_nothing() -> None:
    """It is looked up once; no fact says again what is known."""
    late, stage = Late(), Stage()
    _run(stage, late.child, late.next)
    stage.wait(5 + DUE_S)
    _run(stage, late.parent)
    stage.wait(60)

    assert len(_links(stage, late.child)) == len(_links(stage, late.next)) == 1


def test_a_call_that_is_still_open_ends_in_the_session_that_holds() -> None:
    """The row of the call names the session of the second link."""
    late, stage = Late(), Stage()
    stage.open(late.child.opened)
    stage.wait(5 + 1.5)
    _run(stage, late.parent)
    stage.wait(DUE_S)
    stage.close(late.child)
    ended = [fact for fact in stage.facts if isinstance(fact, CallClosed) and fact.key == late.child.key]

    assert [call.session_id for call in ended] == [stage.link(late.parent.key).session_id]


@pytest.mark.parametrize("is_open", [True, False])
def test_a_restart_before_the_second_look_gives_the_same_facts(is_open: bool) -> None:
    """The journal's last link says that it may not hold; from that alone the other process goes on."""
    outcomes: list[list[object]] = []
    for restarts in (False, True):
        late, stage = Late(), Stage()
        stage.open(late.child.opened)
        stage.wait(5 + 1.5)
        if not is_open:
            stage.close(late.child)
        if restarts:
            stage.restart(*[late.child.opened] * is_open, ended=[late.child.opened] * (not is_open))
        _run(stage, late.parent)
        stage.wait(DUE_S)
        outcomes.append([*_links(stage, late.child), *stage.signals])

    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) == 3


def test_a_restart_after_it_says_nothing_twice() -> None:
    """A link that supersedes is the last one."""
    late, stage = Late(), Stage()
    _run(stage, late.child, late.parent)
    stage.wait(5 + DUE_S)
    stage.restart(ended=[late.child.opened])
    stage.wait(60)

    assert len(_links(stage, late.child)) == 2
    assert len(stage.signals) == 1


def test_what_waits_is_bounded() -> None:
    """Beyond the limit the oldest keeps its link, with all that follow it."""
    waiting = LateParents()
    fact = factories.opened("Why?", factories.assistant(ANSWER), "And at night?", at_s=0)
    arrival = arrival_of(fact, Hasher(SECRET))
    for number in range(MOST):
        assert waiting.add(Missed(fact, arrival, _link(fact, number)))
    assert not waiting.add(Missed(fact, arrival, _link(fact, MOST)))

    assert factories.call_key(0).span_id not in waiting
    assert factories.call_key(MOST).span_id in waiting


def _link(fact: CallOpened, number: int) -> SessionLinked:
    key = factories.call_key(number)
    return SessionLinked(key.trace_id, key.span_id, f"session {number}", "new", 0.3, fact.opened_ns)
