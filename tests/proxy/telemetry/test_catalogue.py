"""The catalogue of metrics."""

import re

from backtalk.telemetry import METRICS

IDS = ("trace", "span", "session_id", "user", "tenant", "response.id")


def test_names_and_units_follow_the_conventions() -> None:
    """Names are lower-case words joined by dots, units UCUM, currencies ISO 4217, sentences whole."""
    for metric in METRICS.values():
        assert re.fullmatch(r"(backtalk|gen_ai|http)(\.[a-z][a-z_]*)+", metric.name)
        assert re.fullmatch(r"s|ms|By|\{([a-z]+|[A-Z]{3})\}", metric.unit), metric.name
        assert metric.sentence.endswith(".")


def test_only_histograms_have_rising_buckets() -> None:
    """Boundaries are strictly rising, and nothing but a histogram has any."""
    for metric in METRICS.values():
        assert bool(metric.buckets) == (metric.kind == "histogram"), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))


def test_no_label_holds_an_id() -> None:
    """Labels that would grow with traffic are not possible."""
    labels = {label for metric in METRICS.values() for label in metric.labels}
    assert not [label for label in labels for word in IDS if word in label]


def test_genai_metrics_carry_the_required_labels() -> None:
    """Operation and provider are required by the conventions on every `gen_ai.client` metric."""
    for name, metric in METRICS.items():
        if name.startswith("gen_ai.client."):
            assert {"gen_ai.operation.name", "gen_ai.provider.name"} <= set(metric.labels)
