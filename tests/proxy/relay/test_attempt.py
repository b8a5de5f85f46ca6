"""One attempt, around lanes that do exactly what a test is about."""

import pytest

from backtalk.errors import RequestError, UpstreamError
from backtalk.model.exchange import ClientExchange
from backtalk.model.notes import CallNotes
from backtalk.relay import failures, plan
from backtalk.relay.attempt import Trial
from backtalk.relay.lane import Lane
from backtalk.testing.exchange import HandExchange

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def answering(status: int, *, then: BaseException | None = None) -> Lane:
    """A lane that answers, whole or up to an exception."""

    async def lane(client: ClientExchange, _notes: CallNotes) -> None:
        client.start(status, [(b"x-backtalk-target", b"no")])
        if then is not None:
            raise then
        client.write(b"b", more=False)

    return lane


def raising(error: BaseException) -> Lane:
    """A lane that does not get as far as a head."""

    async def lane(_client: ClientExchange, notes: CallNotes) -> None:
        notes.upstream = "there:1"
        raise error

    return lane


class Tried:
    """An attempt that was made, and all that came of it."""

    def __init__(self, *, goes_on: bool = False) -> None:
        self.notes = CallNotes(PARENT, "a=1")
        self.trial = Trial(target="t", lane="raw", model=None, number=2, notes=self.notes)
        self.client = HandExchange()
        self.asked: list[plan.Failure] = []
        self._goes_on = goes_on

    async def make(self, lane: Lane) -> None:
        """Make it."""
        await self.trial.run(lane, self.client, head_timeout_s=5.0, go_on=self._go_on)

    def _go_on(self, failure: plan.Failure) -> bool:
        self.asked.append(failure)
        return self._goes_on


@pytest.mark.anyio
async def test_an_answer_passes_with_its_origin() -> None:
    """Nobody is asked about an answer; its head says where it is from, once."""
    tried = Tried()
    await tried.make(answering(200))
    assert tried.asked == []
    assert tried.client.fields == [(b"x-backtalk-target", b"t"), (b"x-backtalk-attempts", b"2")]
    (attempt,) = tried.notes.attempts
    assert (attempt.target, attempt.status, attempt.error, attempt.span_id) == ("t", 200, None, tried.trial.span_id)


@pytest.mark.anyio
@pytest.mark.parametrize("goes_on", [True, False])
async def test_a_refusal_passes_only_where_nothing_follows(goes_on: bool) -> None:
    """The one who decides is asked once, before the head goes out."""
    tried = Tried(goes_on=goes_on)
    await tried.make(answering(503))
    assert tried.asked == [plan.Failure("status_503", 503, taken=False)]
    assert tried.client.complete is not goes_on
    assert [(a.status, a.error) for a in tried.notes.attempts] == [(503, "status_503")]


@pytest.mark.anyio
async def test_an_upstreams_error_is_told_where_nothing_follows() -> None:
    """It carries the attempt's headers, and says in the call's notes how the call ended."""
    tried = Tried()
    with pytest.raises(UpstreamError) as caught:
        await tried.make(raising(failures.idle_timeout(1)))
    assert caught.value.headers == tried.trial.fields()
    assert (tried.notes.outcome, tried.notes.error, tried.notes.upstream) == ("upstream_timeout",) * 2 + ("there:1",)


@pytest.mark.anyio
async def test_an_upstreams_error_is_swallowed_where_another_attempt_follows() -> None:
    """The call's own notes say nothing of it but that there was an attempt."""
    tried = Tried(goes_on=True)
    await tried.make(raising(failures.cut()))
    assert tried.notes.outcome is None
    assert [attempt.error for attempt in tried.notes.attempts] == ["upstream_cut"]


@pytest.mark.anyio
async def test_the_clients_fault_is_never_tried_again() -> None:
    """A request that cannot be relayed is the same everywhere."""
    tried = Tried(goes_on=True)
    with pytest.raises(RequestError):
        await tried.make(raising(failures.bad_path()))
    assert tried.asked == []


@pytest.mark.anyio
async def test_an_attempt_is_written_down_whatever_happens() -> None:
    """A crash inside a lane leaves its attempt behind too."""
    tried = Tried()
    with pytest.raises(ZeroDivisionError):
        await tried.make(answering(200, then=ZeroDivisionError()))
    assert [(a.status, a.error) for a in tried.notes.attempts] == [(200, "cancelled")]


def test_the_upstream_is_told_the_attempts_span() -> None:
    """Same trace, same flags, the attempt's own span; without a trace there is none."""
    tried = Tried()
    assert tried.trial.notes.traceparent == f"00-{TRACE}-{tried.trial.span_id}-01"
    assert Trial(target="t", lane="raw", model=None, number=1, notes=CallNotes("", "")).notes.traceparent == ""
