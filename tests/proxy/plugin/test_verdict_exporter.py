"""Exporters that write into a backend's own annotations: what is sent when, and what becomes of a no."""

from typing import ClassVar, NamedTuple

import pytest

from backtalk import clock
from backtalk.model.ids import CallKey
from backtalk.plugin import NotThereError, RefusedError, Verdict, VerdictExporter
from backtalk.plugin.discovery import EXPORTERS, check
from backtalk.telemetry import Metrics
from backtalk.testing.facts import closed_call, feedback, signal
from backtalk.testing.waiting import wait_until


class Host(NamedTuple):
    """What a host tells."""

    metrics: Metrics
    texts: bool = False


class Slate(VerdictExporter):
    """A backend in memory that knows only some calls."""

    name: ClassVar[str] = "slate"
    version: ClassVar[str] = "1"

    def __init__(self, wait_s: float = 60.0) -> None:
        super().__init__(wait_s)
        self.known: set[CallKey | None] = set()
        self.standing: dict[str, Verdict] = {}
        self.asked: list[str] = []
        self.down = False

    def put(self, verdict: Verdict) -> None:
        """Write, where the call is known."""
        self._ask(verdict)
        self.standing[verdict.key] = verdict

    def remove(self, verdict: Verdict) -> None:
        """Wipe."""
        self._ask(verdict)
        self.standing.pop(verdict.key, None)

    def _ask(self, verdict: Verdict) -> None:
        self.asked.append(verdict.id)
        if self.down:
            raise ConnectionRefusedError
        if verdict.kind == "refused":
            raise RefusedError("no")
        if verdict.target not in self.known:
            raise NotThereError("?")


def dropped(metrics: Metrics, reason: str) -> float:
    """How many were dropped for this reason."""
    return metrics.snapshot().value("backtalk.export.dropped", exporter="slate", reason=reason)


def now_ns() -> int:
    """The present."""
    return clock.now().wall_ns


def test_it_is_an_exporter() -> None:
    """By the public door's own check."""
    check(EXPORTERS, "slate", Slate)


def test_only_what_failed_comes_again() -> None:
    """A call that is not there yet holds up none of its batch, and what was written is not written twice."""
    slate, calls = Slate(), [closed_call(), closed_call()]
    facts = [signal(call.key, signal_id=name, found_ns=now_ns()) for call, name in zip(calls, "ab", strict=True)]
    slate.known = {calls[1].key}
    with pytest.raises(NotThereError, match="1 verdicts"):
        slate.export(facts)
    assert slate.asked == ["a", "b"]
    slate.known.add(calls[0].key)
    slate.export(facts)
    assert slate.asked == ["a", "b", "a"]
    assert sorted(verdict.id for verdict in slate.standing.values()) == ["a", "b"]


def test_a_backend_that_is_away_gets_everything_in_order() -> None:
    """The first that fails ends the try, and the next begins there."""
    slate, calls = Slate(), [closed_call() for _ in range(3)]
    slate.known = {call.key for call in calls}
    facts = [signal(call.key, signal_id=name) for call, name in zip(calls, "abc", strict=True)]
    slate.down = True
    with pytest.raises(ConnectionRefusedError):
        slate.export(facts)
    slate.down = False
    slate.export(facts)
    assert slate.asked == ["a", "a", "b", "c"]


def test_a_call_that_never_comes_is_waited_for_and_then_counted() -> None:
    """The wait is bounded; a fact of long ago gets it too, counted from the start of the exporter."""
    metrics = Metrics("test")
    patient, hasty = Slate(wait_s=60.0), Slate(wait_s=0.0)
    for slate in (patient, hasty):
        slate.attach(Host(metrics))
    facts = [signal(closed_call().key)]
    with pytest.raises(NotThereError):
        patient.export(facts)
    assert dropped(metrics, "no_call") == 0
    hasty.export(facts)
    assert dropped(metrics, "no_call") == 1


def test_after_an_outage_the_wait_begins_anew() -> None:
    """The calls' spans were held up by the same outage."""
    slate = Slate(wait_s=0.5)
    facts = [signal(closed_call().key, found_ns=1)]
    slate.down = True
    started_ns = now_ns()
    wait_until(lambda: now_ns() - started_ns > clock.NS_PER_S)
    with pytest.raises(ConnectionRefusedError):
        slate.export(facts)
    slate.down = False
    with pytest.raises(NotThereError):
        slate.export(facts)


def test_what_is_refused_is_dropped_and_counted() -> None:
    """It holds up nobody."""
    metrics, slate, call = Metrics("test"), Slate(), closed_call()
    slate.attach(Host(metrics))
    slate.known = {call.key}
    slate.export([signal(call.key, kind="refused"), signal(call.key, signal_id="b")])
    assert dropped(metrics, "refused") == 1
    assert [verdict.id for verdict in slate.standing.values()] == ["b"]


def test_what_is_taken_back_while_it_waits_is_never_written() -> None:
    """Nor is a removal of what is not there an error."""
    slate, call = Slate(), closed_call()
    key = {"target_trace_id": call.opened.trace_id, "target_span_id": call.opened.span_id}
    thumb = feedback(feedback_id="a", given_ns=now_ns(), **key)
    retraction = feedback(feedback_id="r", kind="retraction", supersedes="a", value_json="null")
    slate.export([call, thumb, retraction])
    assert slate.standing == {}


def test_texts_go_out_only_where_the_host_lets_them() -> None:
    """Off until switched on."""
    call = closed_call()
    said = feedback(target_trace_id=call.opened.trace_id, kind="comment", value_json='"secret"')
    found: list[str | None] = []
    for texts in (False, True):
        slate = Slate()
        slate.known = {call.key}
        slate.attach(Host(Metrics("test"), texts))
        slate.export([call, said])
        found += [verdict.explanation for verdict in slate.standing.values()]
    assert found == [None, "secret"]


def test_what_was_delivered_before_a_restart_can_be_taken_back_after_it() -> None:
    """Facts that are recalled are known, and not sent again."""
    slate, call = Slate(), closed_call()
    slate.known = {call.key}
    slate.recall([call, feedback(feedback_id="a", target_trace_id=call.opened.trace_id)])
    assert slate.asked == []
    slate.export([feedback(feedback_id="r", kind="retraction", supersedes="a", value_json="null")])
    assert slate.asked == ["a"]
    slate.close()
