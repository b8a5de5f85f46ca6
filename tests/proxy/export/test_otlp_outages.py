"""The exporter and receivers that misbehave, each a real server: what is lost, what is counted, who waits for whom."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from backtalk.export.host import Host
from backtalk.export.loop import ExportLoop, Pauses
from backtalk.export.otlp import OtlpExporter
from backtalk.model.facts import CallClosed, Fact, JournalEntry, encode_entry
from backtalk.settings import JournalSettings, TelemetrySettings
from backtalk.spool import Cursor, Journal
from backtalk.telemetry import Metrics
from backtalk.testing.facts import closed_call, feedback, signal
from backtalk.testing.otlp import GrpcReceiver, HttpReceiver, Received
from backtalk.testing.sockets import free_port
from backtalk.testing.waiting import wait_until

QUICK = Pauses(idle_s=0.001, first_s=0.01, most_s=0.05)
PROTOCOLS = ("http/protobuf", "grpc")


class Run:
    """One life of the exporter on a journal: its loop, its registry, its facts."""

    def __init__(self, directory: Path, endpoint: str, protocol: str, **settings: Any) -> None:
        self.metrics = Metrics()
        self.journal = Journal.open(
            directory / "journal", JournalSettings(segment_bytes=20_000, limit_bytes=300_000), metrics=self.metrics
        )
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        exporter = OtlpExporter(environ)
        told = TelemetrySettings(**settings)
        exporter.attach(Host(told, self.metrics, b"secret"))
        cursor = Cursor(directory / "cursors" / "otlp")
        self.loop = ExportLoop(
            exporter, directory / "journal", cursor, self.metrics, pauses=QUICK, recall_bytes=told.recall_bytes
        )

    def add(self, *facts: Fact) -> None:
        """Write facts, an entry each."""
        for fact in facts:
            self.journal.append(encode_entry(JournalEntry((fact,))))

    def count(self, name: str, **labels: str) -> float:
        """A figure."""
        return self.metrics.snapshot().value(name, **labels)

    @property
    def idle(self) -> bool:
        """Whether all is delivered."""
        return self.loop.position == self.journal.end


@contextmanager
def _run(directory: Path, endpoint: str, protocol: str = "http/protobuf", **settings: Any) -> Generator[Run]:
    run = Run(directory, endpoint, protocol, **settings)
    run.loop.start()
    try:
        yield run
    finally:
        run.loop.stop(1.0)
        run.journal.close()


def _receiver(protocol: str, answer: Any = None, **how: Any) -> HttpReceiver | GrpcReceiver:
    return GrpcReceiver(answer, **how) if protocol == "grpc" else HttpReceiver(answer, **how)


def _calls(count: int) -> list[CallClosed]:
    return [closed_call() for _ in range(count)]


def _seen(receiver: Received, calls: Sequence[CallClosed]) -> list[int]:
    """How often each call's span arrived."""
    arrived = [span.span_id.hex() for span in receiver.spans if span.name == "chat m1"]
    return [arrived.count(call.opened.span_id) for call in calls]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("status", [503, 500, 429, 401])
def test_refusals_that_pass_lose_nothing(protocol: str, status: int, tmp_path: Path) -> None:
    """Every call arrives once the receiver takes any, whatever it said before."""
    refusals = iter(range(4))

    def answer(_route: str, _message: Any) -> int:
        return 200 if next(refusals, None) is None else status

    with (
        _receiver(protocol, answer) as receiver,
        _run(tmp_path, receiver.endpoint, protocol) as run,
    ):
        calls = _calls(20)
        run.add(*calls)
        wait_until(lambda: run.idle, 20)
        assert set(_seen(receiver, calls)) == {1}
        assert run.count("backtalk.export.failed") == 4
        assert run.count("backtalk.export.dropped") == 0


def test_collector_that_is_away_costs_at_most_what_the_journal_cannot_hold(tmp_path: Path) -> None:
    """Beyond the journal's limit the oldest is skipped, and every byte of it counted; the newest arrives."""
    port, calls = free_port(), _calls(1_500)
    with _run(tmp_path, f"http://127.0.0.1:{port}") as run:
        run.add(*calls[:1])
        wait_until(lambda: run.count("backtalk.export.failed") > 0)
        run.add(*calls[1:])
        with HttpReceiver(port=port) as receiver:
            wait_until(lambda: run.idle, 30)
            seen = _seen(receiver, calls)
    assert seen[-1] == 1
    assert 0 < sum(seen) < len(calls)
    assert run.count("backtalk.journal.skipped", reader="otlp") > 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_a_receiver_took_only_in_part_is_counted(protocol: str, tmp_path: Path) -> None:
    """OTLP's partial success: nothing comes again, for the receiver would say the same; the figure says how much."""
    with _receiver(protocol) as receiver, _run(tmp_path, receiver.endpoint, protocol) as run:
        receiver.rejects = 1
        call = closed_call()
        run.add(call, signal(call.key))
        wait_until(lambda: run.idle, 20)
        spans = receiver.tried.count("traces")
        assert run.count("backtalk.export.dropped", reason="traces_rejected") == spans
        assert run.count("backtalk.export.dropped", reason="logs_rejected") == receiver.tried.count("logs")
        assert run.count("backtalk.export.failed") == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_batch_that_is_too_large_is_split_and_not_dropped(protocol: str, tmp_path: Path) -> None:
    """Until it fits: 413 over HTTP, and what a gRPC server with a small limit really answers."""

    def answer(_route: str, message: Any) -> int:
        return 413 if message.ByteSize() > 8_000 else 200

    receiver = GrpcReceiver(max_bytes=8_000) if protocol == "grpc" else HttpReceiver(answer)
    run = Run(tmp_path, receiver.endpoint, protocol)
    calls = _calls(60)
    run.add(*calls)
    with receiver:
        run.loop.start()
        wait_until(lambda: run.idle, 20)
        assert run.loop.stop()
        assert set(_seen(receiver, calls)) == {1}
    assert run.count("backtalk.export.dropped") == 0
    assert run.count("backtalk.export.failed") == 0
    run.journal.close()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_slow_receiver_is_given_up_and_asked_again(
    protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that does not come in time is a failed try; the batch comes again, so it may arrive twice."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")
    answered, first = threading.Event(), iter(range(1))

    def answer(_route: str, _message: Any) -> int:
        if next(first, None) is not None:
            answered.wait(20)
        return 200

    with _receiver(protocol, answer) as receiver, _run(tmp_path, receiver.endpoint, protocol) as run:
        calls = _calls(5)
        run.add(*calls)
        wait_until(lambda: run.idle, 20)
        answered.set()
        assert min(_seen(receiver, calls)) == 1
        assert run.count("backtalk.export.failed") == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_stop_does_not_wait_for_a_receiver_that_hangs(protocol: str, tmp_path: Path) -> None:
    """The deadline holds while the receiver still hangs, and the next life delivers what was under way."""
    released, asked = threading.Event(), threading.Event()

    def answer(_route: str, _message: Any) -> int:
        asked.set()
        released.wait(30)
        return 503

    calls = _calls(3)
    with _receiver(protocol, answer) as receiver:
        first = Run(tmp_path, receiver.endpoint, protocol)
        first.loop.start()
        first.add(*calls)
        assert asked.wait(20)
        first.loop.stop(0.2)
        assert not released.is_set()
        assert first.loop.position == 0
        first.journal.close()
        released.set()
    with _receiver(protocol) as receiver, _run(tmp_path, receiver.endpoint, protocol) as run:
        wait_until(lambda: run.idle, 20)
        assert set(_seen(receiver, calls)) == {1}


def test_feedback_after_a_restart_is_linked_to_a_call_from_before(tmp_path: Path) -> None:
    """By response id, which only the exporter's memory can resolve; and a call that was held comes to light."""
    told, held = closed_call(status=500), closed_call()
    with HttpReceiver() as receiver:
        with _run(tmp_path, receiver.endpoint, call_share=0) as run:
            run.add(told, held)
            wait_until(lambda: run.idle, 20)
            assert _seen(receiver, [told, held]) == [1, 0]
        with _run(tmp_path, receiver.endpoint, call_share=0) as run:
            run.add(*(feedback(target_response_id=call.response.id) for call in (told, held)))
            wait_until(lambda: run.idle, 20)
            assert _seen(receiver, [told, held]) == [1, 1]
    links = [span.links[0].span_id.hex() for span in receiver.spans if span.name == "feedback user_feedback"]
    assert links == [told.opened.span_id, held.opened.span_id]
