"""Prometheus text, read back by a parser of its grammar."""

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from backtalk.telemetry import METRICS, Metrics, Point, Snapshot, render_prometheus
from backtalk.telemetry.prometheus import prometheus_name

SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?P<labels>\{.*\})? (?P<value>\S+)")
LABEL = re.compile(r'(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?P<value>(?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
ESCAPES = {r"\\": "\\", r"\n": "\n", r"\"": '"'}
LAG = "backtalk_worker_lag_seconds"
Sample = tuple[str, dict[str, str], float]


def _parse(text: str) -> list[Sample]:
    samples: list[Sample] = []
    assert text.endswith("\n")
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+", line)
            continue
        match = SAMPLE.fullmatch(line)
        assert match is not None, line
        samples.append((match["name"], _labels(match["labels"]), float(match["value"])))
    return samples


def _labels(text: str | None) -> dict[str, str]:
    inner = (text or "{}")[1:-1]
    found = {
        match["name"]: re.sub(r'\\["\\n]', lambda escape: ESCAPES[escape[0]], match["value"])
        for match in LABEL.finditer(inner)
    }
    assert sum(len(match[0]) for match in LABEL.finditer(inner)) == len(inner)
    return found


def test_units_and_kinds_are_in_the_names() -> None:
    """Seconds, bytes and totals are suffixes; a word in braces is no unit."""
    assert prometheus_name(METRICS["gen_ai.client.operation.duration"]) == "gen_ai_client_operation_duration_seconds"
    assert prometheus_name(METRICS["backtalk.calls"]) == "backtalk_calls_total"
    assert prometheus_name(METRICS["backtalk.spool.bytes"]) == "backtalk_spool_bytes"
    assert prometheus_name(METRICS["backtalk.worker.lag"]) == "backtalk_worker_lag_seconds"
    assert prometheus_name(METRICS["backtalk.journal.skipped"]) == "backtalk_journal_skipped_bytes_total"


def test_no_two_metrics_share_a_name() -> None:
    """Translation keeps metrics apart."""
    names = [prometheus_name(metric) for metric in METRICS.values()]
    assert len(set(names)) == len(names)


def test_histogram_is_cumulative() -> None:
    """Each bucket holds all smaller ones; the last is the count."""
    metrics = Metrics()
    for value in (0.004, 0.005, 0.2, 60.0):
        metrics.record("http.server.request.duration", value)
    samples = _parse(render_prometheus(metrics.snapshot()))
    buckets = {labels["le"]: value for name, labels, value in samples if name.endswith("_bucket")}
    assert buckets["0.005"] == 2
    assert buckets["0.25"] == 3
    assert buckets["10.0"] == 3
    assert buckets["+Inf"] == 4
    assert ("http_server_request_duration_seconds_count", {}, 4.0) in samples


@given(st.dictionaries(st.text(max_size=20), st.integers(1, 5), min_size=1, max_size=5))
def test_any_label_value_comes_back(values: dict[str, int]) -> None:
    """Quotes, backslashes, newlines and any script survive the text."""
    metrics = Metrics()
    for value, count in values.items():
        metrics.add("backtalk.signals", count, kind="stop", model=value)
    samples = _parse(render_prometheus(metrics.snapshot()))
    assert {labels["model"]: count for name, labels, count in samples if name == "backtalk_signals_total"} == values


@given(st.floats())
def test_any_number_comes_back(value: float) -> None:
    """Infinities and not-a-number are written as Prometheus reads them."""
    snapshot = Snapshot("l", 1, "", 0, 0, {"backtalk.worker.lag": (Point((), value),)})
    ((_, _, read),) = [sample for sample in _parse(render_prometheus(snapshot)) if sample[0] == LAG]
    assert read == value or (math.isnan(read) and math.isnan(value))


def test_counter_that_counted_nothing_is_zero() -> None:
    """An alert can tell "never" from "not watched"; a gauge or a histogram without a value is absent."""
    samples = _parse(render_prometheus(Metrics().snapshot()))
    assert {value for _, _, value in samples} == {0.0}
    assert {name for name, _, _ in samples} == {
        prometheus_name(metric) for metric in METRICS.values() if metric.kind == "counter"
    }
