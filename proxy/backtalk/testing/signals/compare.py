"""Figures of this run beside those of an earlier one.

In: the output of an earlier run, whose lines of JSON are read. Out: the change of each figure, told from noise by the
interval of this run.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from backtalk.testing.signals.measures import Figure


def read_last(path: Path) -> dict[str, float]:
    """The value of each metric of an earlier run; raises `OSError` where there is no file."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.startswith('{"metric"')]
    return {str(line["metric"]): float(line["value"]) for line in lines}


def change(figure: Figure, last: Mapping[str, float]) -> str:
    """What changed, with a star where the earlier value is outside of this run's interval."""
    if figure.metric not in last:
        return "new" if last else ""
    before = last[figure.metric]
    outside = figure.low < figure.high and not figure.low <= before <= figure.high
    return f"{figure.value - before:+.3f}{' *' if outside else ''}"


def gone(figures: Iterable[Figure], last: Mapping[str, float]) -> list[str]:
    """Metrics that the earlier run had and this one has not."""
    return sorted(set(last) - {figure.metric for figure in figures})
