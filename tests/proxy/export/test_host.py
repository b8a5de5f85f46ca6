"""What exporters take from their host."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from backtalk.export.host import Host, Hosted, Recalling, attach
from backtalk.export.otlp import OtlpExporter
from backtalk.model.facts import Fact
from backtalk.settings import TelemetrySettings
from backtalk.telemetry import Metrics, read_all
from backtalk.testing.facts import closed_call
from backtalk.testing.otlp import HttpReceiver, attributes_of


class Plain:
    """An exporter that wants nothing of its host."""

    name: ClassVar[str] = "plain"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1"

    def export(self, facts: Sequence[Fact]) -> None:
        """Take facts."""

    def close(self) -> None:
        """End."""


def test_otlp_is_attached_and_a_plain_exporter_is_left_alone() -> None:
    """Only who can be attached is."""
    assert isinstance(OtlpExporter({}), Hosted)
    assert isinstance(OtlpExporter({}), Recalling)
    assert not isinstance(Plain(), Hosted | Recalling)
    attach(Plain(), Host(TelemetrySettings(), Metrics()))


def test_settings_and_figures_of_all_processes_arrive(tmp_path: Path) -> None:
    """Content is on spans when it was switched on, and the pushed metrics are those of every process."""
    other = Metrics("proxy")
    other.add("backtalk.spool.syncs", 3)
    other.publish(tmp_path)
    with HttpReceiver() as receiver:
        exporter = OtlpExporter({"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint})
        settings = TelemetrySettings(content="attributes")
        attach(exporter, Host(settings, Metrics("worker"), figures=partial(read_all, tmp_path)))
        exporter.export([closed_call()])
        exporter.close()
    assert "gen_ai.input.messages" in attributes_of(receiver.spans[1].attributes)
    assert receiver.metrics["backtalk.spool.syncs"].sum.data_points[0].as_int == 3
