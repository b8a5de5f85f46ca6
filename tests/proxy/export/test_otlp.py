"""The OpenTelemetry exporter against real receivers."""

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import oteltap
import pytest

from backtalk.export.failure import NotTakenError
from backtalk.export.host import Host
from backtalk.export.loop import ExportLoop, Pauses
from backtalk.export.otlp import OtlpExporter
from backtalk.model.facts import Fact, JournalEntry, encode_entry
from backtalk.plugin.protocols import Exporter
from backtalk.settings import JournalSettings, TelemetrySettings
from backtalk.spool import Cursor, Journal
from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.testing.facts import closed_call, feedback, opened_call, signal
from backtalk.testing.otlp import GrpcReceiver, HttpReceiver, attributes_of
from backtalk.testing.sockets import free_port
from backtalk.testing.waiting import wait_until

QUICK = Pauses(idle_s=0.001, first_s=0.01, most_s=0.05)


def _exporter(endpoint: str, protocol: str = "http/protobuf") -> OtlpExporter:
    return OtlpExporter({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})


@pytest.mark.anyio
async def test_an_independent_receiver_understands_all_of_it() -> None:
    """OtelTap decodes spans, log events and metrics, and finds the ids that the client saw."""
    port = free_port()
    call = closed_call()
    metrics = Metrics()
    metrics.add("backtalk.calls", outcome="completed")
    settings = oteltap.OtelTapHttpProtobufReceiverSettings(http_port=port)
    async with oteltap.OtelTapHttpProtobufReceiver(settings) as tap:
        exporter = _exporter(f"http://127.0.0.1:{port}")
        exporter.attach(Host(TelemetrySettings(metrics_interval_s=3600), metrics, figures=metrics.snapshot))

        def deliver() -> None:
            exporter.export([call, signal(call.key)])
            exporter.close()

        span, carrier, event, pushed, _ = await asyncio.gather(
            tap.await_trace(lambda span: span.name == "chat m1", 5),
            tap.await_trace(lambda span: span.name == "signal regeneration", 5),
            tap.await_log(lambda record: record.event_name == "gen_ai.evaluation.result", 5),
            tap.await_metric(lambda metric: metric.name == "backtalk.calls", 5),
            asyncio.to_thread(deliver),
        )
    assert span.trace_id.hex() == call.opened.trace_id
    assert span.span_id.hex() == call.opened.span_id
    assert span.parent_span_id.hex() == call.opened.server_span_id
    assert carrier.links[0].span_id.hex() == call.opened.span_id
    assert event.span_id.hex() == call.opened.span_id
    assert pushed.sum.data_points[0].as_int == 1


def test_what_a_replay_found_is_not_sent() -> None:
    """It is of the past, and the ledger's."""
    call, port = closed_call(), free_port()
    with HttpReceiver(port=port) as receiver:
        exporter = _exporter(f"http://127.0.0.1:{port}")
        exporter.export([call, msgspec.structs.replace(signal(call.key), replay=1)])
        exporter.close()
        assert {span.name for span in receiver.spans} == {"POST /v1/chat/completions", "chat m1"}


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_receiver_that_starts_late_misses_nothing(protocol: str, tmp_path: Path) -> None:
    """Through journal and loop: calls made while nobody listened are all there, once the receiver is."""
    port = free_port()
    metrics = Metrics()
    journal = Journal.open(tmp_path / "journal", JournalSettings(), metrics=metrics)
    exporter = _exporter(f"http://127.0.0.1:{port}", protocol)
    cursor = Cursor(tmp_path / "cursors" / "otlp")
    loop = ExportLoop(exporter, tmp_path / "journal", cursor, metrics, pauses=QUICK)
    loop.start()
    calls = [closed_call() for _ in range(200)]
    for call in calls:
        journal.append(encode_entry(JournalEntry((call,))))
    wait_until(lambda: metrics.snapshot().value("backtalk.export.failed", exporter="otlp") >= 3)
    receiver = GrpcReceiver(port=port) if protocol == "grpc" else HttpReceiver(port=port)
    with receiver:
        wait_until(lambda: loop.position == journal.end, 30)
        assert loop.stop()
    assert {span.span_id.hex() for span in receiver.spans if span.name == "chat m1"} == {
        call.opened.span_id for call in calls
    }
    journal.close()


def test_feedback_by_response_id_is_linked_to_the_call_it_has_seen() -> None:
    """The link needs no look-up anywhere else; a call it has not seen leaves the response id."""
    call = closed_call()
    with HttpReceiver() as receiver:
        exporter = _exporter(receiver.endpoint)
        exporter.export([call])
        exporter.export([feedback(target_response_id=call.response.id), feedback(target_response_id="chatcmpl-0")])
        exporter.close()
    linked, loose = (span for span in receiver.spans if span.name == "feedback user_feedback")
    assert linked.links[0].span_id.hex() == call.opened.span_id
    assert len(loose.links) == 0
    assert attributes_of(loose.attributes)["gen_ai.response.id"] == "chatcmpl-0"
    assert [record.span_id.hex() for record in receiver.logs] == [call.opened.span_id, ""]


def test_receiver_without_logs_gets_all_spans() -> None:
    """A missing route for logs is found once; spans go on and nothing is tried twice."""
    call = closed_call()
    metrics = Metrics()
    with HttpReceiver(lambda route, _message: 405 if route == "logs" else 200) as receiver:
        exporter = _exporter(receiver.endpoint)
        exporter.attach(Host(TelemetrySettings(), metrics))
        exporter.export([call, signal(call.key)])
        exporter.export([signal(call.key)])
        exporter.close()
    assert receiver.tried == ["traces", "logs", "traces"]
    assert metrics.snapshot().value("backtalk.export.dropped", reason="logs_no_route") == 2


def test_logs_that_fail_alone_do_not_repeat_or_hold_up_spans() -> None:
    """The batch comes again for its log events a few times, then spans go on without them."""
    call = closed_call()
    first: tuple[Fact, ...] = (call, signal(call.key))
    with HttpReceiver(lambda route, _message: 500 if route == "logs" else 200) as receiver:
        exporter = _exporter(receiver.endpoint)
        for _ in range(4):
            with pytest.raises(NotTakenError):
                exporter.export(first)
        exporter.export(first)
        exporter.export((signal(call.key),))
        exporter.close()
    assert receiver.tried.count("traces") == 2
    assert receiver.tried.count("logs") == 6


def test_fact_that_cannot_be_told_is_left_out() -> None:
    """A broken id costs its own span alone, for it would fail for ever."""
    good = closed_call()
    bad = closed_call(opened=opened_call(span_id="no hex"))
    metrics = Metrics()
    with HttpReceiver() as receiver:
        exporter = _exporter(receiver.endpoint)
        exporter.attach(Host(TelemetrySettings(), metrics))
        exporter.export([bad, good])
        exporter.close()
    assert len(receiver.spans) == 2
    assert metrics.snapshot().value("backtalk.export.dropped", reason="not_translated") == 1


def test_without_endpoint_it_rests() -> None:
    """Nothing is sent, nothing fails, and it is an exporter all the same."""
    exporter = OtlpExporter({})
    exporter.attach(Host(TelemetrySettings(), Metrics(), figures=Metrics().snapshot))
    assert isinstance(exporter, Exporter)
    assert exporter.resting
    exporter.export([closed_call()])
    exporter.forget()
    exporter.close()


def test_what_waits_for_the_receiver_is_forgotten_with_what_is_held() -> None:
    """Neither a batch that failed nor a call that was left out is sent once somebody's texts are erased."""
    waiting, held = (stories.closed(answered="Kanarienvogel") for _ in range(2))
    metrics, away = Metrics(), True
    settings = TelemetrySettings(content="attributes", call_share=0.0, metrics_interval_s=3600)
    failed = msgspec.structs.replace(waiting, status=500, error="Kanarienvogel")
    with HttpReceiver(lambda _route, _message: 503 if away else 200) as receiver:
        exporter = _exporter(receiver.endpoint)
        exporter.attach(Host(settings, metrics))
        exporter.export([held])
        facts = [failed]
        with pytest.raises(NotTakenError):
            exporter.export(facts)
        exporter.forget()
        away = False
        exporter.export([signal(held.key, tenant="acme")])
        exporter.close()
    assert [span.name for span in receiver.spans] == ["signal regeneration"]
    assert metrics.snapshot().value("backtalk.export.unheld", reason="erased") == 1
    assert "Kanarienvogel" not in str(receiver.spans)


def test_grpc_is_not_loaded_for_http() -> None:
    """Its memory and start-up time are spent only where it is used."""
    code = (
        "import sys; from backtalk.export.otlp import OtlpExporter;"
        " OtlpExporter({'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://127.0.0.1:1'}); print('grpc' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
