"""PromQL from the catalogue: what to ask of a metric follows from its kind.

In: a metric's name and the labels to keep apart. Out: an expression, or a panel of a dashboard with its unit. The one
rule: a name, a kind or a label that the catalogue does not have is an error here, not an empty graph.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from backtalk.errors import SetupError
from backtalk.telemetry.catalogue import METRICS, Kind, Metric
from backtalk.telemetry.prometheus import prometheus_name

WINDOW: Final = "$__rate_interval"
"""Grafana puts in a window that fits the scrape interval."""
_UNITS: Final = {"s": "s", "ms": "ms", "By": "bytes", "{USD}": "currencyUSD"}


class Panel(NamedTuple):
    """One graph: a title, its PromQL by legend, and the unit in Grafana's words."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str
    sentence: str
    metrics: frozenset[str]


def rate(title: str, name: str, *by: str, sentence: str = "") -> Panel:
    """How often a counter grew, each second."""
    metric = _metric(name, "counter", by)
    return _panel(title, metric, {_legend(by): rate_of(name, *by)}, unit=f"{_unit(metric)}/s", sentence=sentence)


def rate_of(name: str, *by: str, window: str = WINDOW, where: str = "") -> str:
    """PromQL of a counter's growth per second."""
    return f"sum{_by(by)} (rate({_series(_metric(name, 'counter', by), where)}[{window}]))"


def level(title: str, name: str, *by: str, sentence: str = "") -> Panel:
    """The level of a gauge."""
    metric = _metric(name, "gauge", by)
    return _panel(title, metric, {_legend(by): level_of(name, *by)}, unit=_unit(metric), sentence=sentence)


def level_of(name: str, *by: str) -> str:
    """PromQL of a gauge's level over all processes."""
    metric = _metric(name, "gauge", by)
    return f"{metric.across}{_by(by)} ({prometheus_name(metric)})"


def spread(title: str, name: str, *by: str, where: str = "", sentence: str = "") -> Panel:
    """Median, 95th and 99th percentile of a histogram."""
    metric = _metric(name, "histogram", by)
    legend = _legend(by)
    queries = {f"p{round(q * 100)} {legend}".strip(): quantile_of(q, name, *by, where=where) for q in (0.5, 0.95, 0.99)}
    return _panel(title, metric, queries, unit=_unit(metric), sentence=sentence)


def either(first: Panel, *others: Panel) -> Panel:
    """One panel of metrics of which an installation has one: the others' queries where the first's have no data."""
    queries = [
        (legend, " or ".join((expression, *(other.queries[at][1] for other in others))))
        for at, (legend, expression) in enumerate(first.queries)
    ]
    return first._replace(queries=tuple(queries), metrics=first.metrics.union(*(other.metrics for other in others)))


def quantile_of(q: float, name: str, *by: str, window: str = WINDOW, where: str = "") -> str:
    """PromQL of a quantile of a histogram."""
    metric = _metric(name, "histogram", by)
    selected = f"{{{where}}}" if where else ""
    rates = f"rate({prometheus_name(metric)}_bucket{selected}[{window}])"
    return f"histogram_quantile({q}, sum{_by(('le', *by))} ({rates}))"


def share_of(part: str, whole: str) -> str:
    """PromQL of one rate as a share of another, 0 where nothing happened."""
    return f"({part}) / ({whole} > 0) or vector(0)"


def _panel(title: str, metric: Metric, queries: Mapping[str, str], *, unit: str, sentence: str) -> Panel:
    return Panel(title, tuple(queries.items()), unit, sentence or metric.sentence, frozenset((metric.name,)))


def _metric(name: str, kind: Kind, by: Sequence[str]) -> Metric:
    metric = METRICS.get(name)
    if metric is None:
        raise SetupError(f"no metric is called {name}; telemetry/catalogue.py lists them", code="unknown_metric")
    if metric.kind != kind or not set(by) <= set(metric.labels):
        labels = ", ".join(metric.labels) or "none"
        raise SetupError(f"{name} is a {metric.kind}; its labels: {labels}", code="unknown_metric")
    return metric


def _series(metric: Metric, where: str) -> str:
    return prometheus_name(metric) + (f"{{{where}}}" if where else "")


def _by(labels: Sequence[str]) -> str:
    return f" by ({', '.join(label.replace('.', '_') for label in labels)})" if labels else ""


def _legend(by: Sequence[str]) -> str:
    return " ".join(f"{{{{{label.replace('.', '_')}}}}}" for label in by)


def _unit(metric: Metric) -> str:
    return _UNITS.get(metric.unit, "short")
