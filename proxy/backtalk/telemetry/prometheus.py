"""A snapshot as Prometheus text, format 0.0.4, named by OpenTelemetry's rules of translation.

In: a snapshot. Out: text with HELP and TYPE for each metric that has a series. Dots become underscores, the unit
becomes a suffix, counters end in `_total`, histograms are cumulative and end in the bucket `+Inf`. A counter that
nothing has counted yet is 0 and not absent, so that an alert on it can tell "never" from "not watched".
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from backtalk.telemetry.catalogue import METRICS, Metric
from backtalk.telemetry.snapshot import LabelSet, Point, Snapshot

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of the text."""

_UNITS: Final = {"s": "_seconds", "ms": "_milliseconds", "By": "_bytes", "1": "_ratio"}
_NOT_IN_NAME: Final = re.compile(r"[^a-zA-Z0-9_]")
_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})
_LABEL_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_NEVER: Final = (Point((), 0),)


def render_prometheus(snapshot: Snapshot, metrics: Mapping[str, Metric] = METRICS) -> str:
    """Write all series of the snapshot whose metric is known, and a 0 for each counter without one."""
    lines: list[str] = []
    for name, metric in metrics.items():
        points = snapshot.points.get(name) or (_NEVER if metric.kind == "counter" else ())
        if points:
            lines += _family(metric, points)
    return "\n".join(lines) + "\n" if lines else ""


def prometheus_name(metric: Metric) -> str:
    """The metric's name in Prometheus."""
    name, suffix = _NOT_IN_NAME.sub("_", metric.name), _UNITS.get(metric.unit, "")
    name = name if name.endswith(suffix) else name + suffix
    return name + "_total" if metric.kind == "counter" else name


def _family(metric: Metric, points: Iterable[Point]) -> Iterator[str]:
    name = prometheus_name(metric)
    yield f"# HELP {name} {metric.sentence.translate(_HELP_ESCAPES)}"
    yield f"# TYPE {name} {metric.kind}"
    for point in points:
        if metric.kind == "histogram":
            yield from _histogram(name, metric, point)
        else:
            yield f"{name}{_labels(point.labels)} {_number(point.value)}"


def _histogram(name: str, metric: Metric, point: Point) -> Iterator[str]:
    bounds = (*metric.buckets, math.inf)
    for bound, count in zip(bounds, accumulate(point.counts), strict=True):
        yield f"{name}_bucket{_labels((*point.labels, ('le', _number(bound))))} {count}"
    yield f"{name}_sum{_labels(point.labels)} {_number(point.value)}"
    yield f"{name}_count{_labels(point.labels)} {sum(point.counts)}"


def _labels(labels: LabelSet) -> str:
    if not labels:
        return ""
    pairs = (f'{_NOT_IN_NAME.sub("_", name)}="{str(value).translate(_LABEL_ESCAPES)}"' for name, value in labels)
    return "{" + ",".join(pairs) + "}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)
