"""One frame in, its facts out; what fails costs only itself."""

import pytest

from backtalk.detect.desk import Desk
from backtalk.feedback.given import feedback_given
from backtalk.model.facts import CallClosed, CallOpened, FeedbackGiven, JournalEntry, SessionLinked, encode_entry
from backtalk.model.frames import Feedback, Heartbeat, Opened, Replayed
from backtalk.observe.open_calls import Ended, OpenCalls
from backtalk.session.memory_store import MemorySessionStore
from backtalk.settings import Settings
from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.testing.frames import closed, conversation, opened, rating, span_of
from backtalk.worker.decider import Decider

_SECOND = 1_000_000_000


def _decider(metrics: Metrics, calls: OpenCalls | None = None) -> Decider:
    desk = Desk(MemorySessionStore(), [], secret=b"s" * 32, settings=Settings(), metrics=metrics)
    calls = OpenCalls("x-session-id", metrics) if calls is None else calls
    return Decider(calls, desk, feedback_given, metrics)


def test_a_conversation_becomes_one_session() -> None:
    """Each call is announced, linked and ended, in this order and with the session's id at its end."""
    decider = _decider(Metrics("worker"))
    frames = conversation(1, 3, at_ns=_SECOND, step_ns=_SECOND)
    facts = [fact for frame in frames for fact in decider.take("owner", frame)]
    kinds = [type(fact) for fact in facts[:6]]
    assert kinds == [CallOpened, SessionLinked, CallClosed, CallOpened, SessionLinked, CallClosed]
    assert len({fact.session_id for fact in facts if isinstance(fact, CallClosed)}) == 1
    assert [fact.rule for fact in facts if isinstance(fact, SessionLinked)] == [
        "new",
        "next_turn",
        "next_turn",
        "repeat",
    ]


def test_a_link_that_comes_with_the_end_stands_before_it() -> None:
    """A reader that has seen an end knows the session."""
    decider = _decider(Metrics("worker"))
    orphan = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "a reply that nobody here gave"}]
    arrival = opened(1, _SECOND, [*orphan, {"role": "user", "content": "and then?"}])[0]
    assert [type(fact) for fact in decider.take("owner", arrival)] == [CallOpened]
    facts = decider.take("owner", closed(1, _SECOND + 5, "so"))
    assert [type(fact) for fact in facts] == [SessionLinked, CallClosed]


def test_a_waiting_link_is_decided_by_time() -> None:
    """When the wait for the parent has passed."""
    decider = _decider(Metrics("worker"))
    orphan = [{"role": "assistant", "content": "a reply that nobody here gave"}, {"role": "user", "content": "why?"}]
    decider.take("owner", opened(1, _SECOND, orphan)[0])
    assert decider.advance(_SECOND + 1) == []
    assert [type(fact) for fact in decider.advance(3 * _SECOND)] == [SessionLinked]


def test_a_frame_that_cannot_be_handled_is_counted() -> None:
    """The next one is handled."""
    metrics = Metrics("worker")
    decider = _decider(metrics)
    assert decider.take("owner", Feedback(1, 1, "f" * 32, "t", "1" * 32, "2" * 16, b"not ours")) == []
    assert decider.take("owner", Heartbeat(1, 1)) == []
    assert [type(fact) for fact in decider.take("owner", rating(1, 5))] == [FeedbackGiven]
    decider.report()
    points = metrics.snapshot().points
    assert [point.value for point in points["backtalk.worker.bad_frames"]] == [1]
    assert sum(point.value for point in points["backtalk.worker.frames"]) == 3


def test_a_restored_call_is_not_linked_again() -> None:
    """Its link was decided before the restart."""
    decider = _decider(Metrics("worker"))
    frame = opened(1, _SECOND, [{"role": "user", "content": "hi"}])[0]
    announced, linked = decider.take("owner", frame)
    assert isinstance(announced, CallOpened)
    assert isinstance(linked, SessionLinked)
    again = _decider(Metrics("worker"))
    call = again.calls.open("owner", frame)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] -- an arrival
    assert call is not None
    again.restore(call, linked)
    facts = again.take("owner", closed(1, _SECOND + 5, "hello"))
    assert [type(fact) for fact in facts] == [CallClosed]


class Brittle(OpenCalls):
    """Calls of which one breaks when it opens, or when it is interrupted."""

    def __init__(self, *, opening: str = "", ending: str = "") -> None:
        super().__init__("x-session-id", Metrics("worker"))
        self._opening = opening
        self._ending = ending

    def open(self, owner: str, frame: Opened, *, late: bool = False) -> CallOpened | None:
        """Fail for the broken one."""
        if frame.span_id == self._opening:
            raise RuntimeError(owner)
        return super().open(owner, frame, late=late)

    def interrupt(self, span_id: str, seen_ns: int) -> Ended | None:
        """Fail behind the broken one, which is gone then."""
        ended = super().interrupt(span_id, seen_ns)
        if span_id == self._ending:
            raise RuntimeError(span_id)
        return ended


@pytest.mark.parametrize("again", [False, True])
def test_a_call_that_breaks_its_opening_costs_only_itself(again: bool) -> None:
    """When it is read, and when it is read again after a restart: a worker that died of it would die for ever."""
    metrics = Metrics("worker")
    decider = _decider(metrics, Brittle(opening=span_of(2)))
    hello = [{"role": "user", "content": "hi"}]
    for number in (1, 2, 3):
        frame = opened(number, _SECOND, hello)[0]
        _ = decider.reopen("owner", frame) if again else decider.take("owner", frame)
    assert decider.calls.spans("owner") == [span_of(1), span_of(3)]
    assert metrics.snapshot().value("backtalk.worker.bad_frames", reason="failed") == 1


def test_a_call_that_breaks_its_end_costs_only_itself() -> None:
    """The other calls of a dead proxy are interrupted all the same."""
    metrics = Metrics("worker")
    decider = _decider(metrics, Brittle(ending=span_of(2)))
    for number in (1, 2, 3):
        decider.take("owner", opened(number, _SECOND, [{"role": "user", "content": "hi"}])[0])
    found = decider.interrupt("owner", 2 * _SECOND)
    assert [fact.opened.span_id for fact in found if isinstance(fact, CallClosed)] == [span_of(1), span_of(3)]
    assert metrics.snapshot().value("backtalk.worker.bad_frames", reason="failed") == 1


def test_a_price_that_cannot_be_computed_costs_nothing_else() -> None:
    """Counts that no tokens have leave the cost unknown, and the call a fact."""

    def overflowing(_call: CallClosed) -> float | None:
        return 1e308 * 10**400

    metrics = Metrics("worker")
    desk = Desk(MemorySessionStore(), [], secret=b"s" * 32, settings=Settings(), metrics=metrics)
    decider = Decider(OpenCalls("x-session-id", metrics), desk, feedback_given, metrics, cost_of=overflowing)
    frames = conversation(1, 1, at_ns=_SECOND, step_ns=_SECOND)
    ended = [fact for frame in frames for fact in decider.take("owner", frame) if isinstance(fact, CallClosed)]
    assert ended
    assert {call.cost_usd for call in ended} == {None}


def test_of_a_replay_its_signals_alone_are_taken() -> None:
    """A frame may carry anything; what bears no replay's number would count as the worker's own."""
    about = stories.a_key()
    mine, plain = stories.signal(about, about, replay=4), stories.signal(about, about)
    entry = encode_entry(JournalEntry((mine, plain, stories.feedback())))
    assert _decider(Metrics("worker")).take("owner", Replayed(1, 1, entry)) == [mine]
