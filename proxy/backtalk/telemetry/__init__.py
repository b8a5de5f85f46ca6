"""What Backtalk says of itself: metrics and log lines; nothing here knows what a call is.

In: names from the catalogue with numbers, from any thread. Out: a snapshot file for each process life, the merged
figures of all of them, Prometheus text, and JSON log lines. The one rule: recording a figure costs well under a
microsecond, does no I/O and never fails for the sake of a label's value.
"""

from backtalk.telemetry.catalogue import METRICS, Label, Metric
from backtalk.telemetry.files import read_all, sweep
from backtalk.telemetry.log import configure_logging
from backtalk.telemetry.metrics import Metrics
from backtalk.telemetry.prometheus import CONTENT_TYPE, render_prometheus
from backtalk.telemetry.snapshot import Point, Snapshot, merge

__all__ = [
    "CONTENT_TYPE",
    "METRICS",
    "Label",
    "Metric",
    "Metrics",
    "Point",
    "Snapshot",
    "configure_logging",
    "merge",
    "read_all",
    "render_prometheus",
    "sweep",
]
