"""Segments from counted rows."""

from collections.abc import Mapping
from typing import Any

import pytest

from backtalk.quality.coverage import TOP, Segment, document, groups, matrix
from backtalk.quality.coverage_queries import COUNTS, DIMENSIONS


def row(calls: int, values: Mapping[str, str], **counts: int) -> dict[str, Any]:
    """A counted row, grouped by `values` only."""
    return {**dict.fromkeys(DIMENSIONS), **values, **dict.fromkeys(COUNTS, 0), "calls": calls, **counts}


def main(model: str) -> dict[str, str]:
    """A segment of the main group."""
    return {"model": model, "route": "", "api": "chat", "path": "/v1/chat/completions"}


def test_a_row_belongs_to_the_group_by_whose_columns_it_is_counted() -> None:
    """Null stands for what a row is not grouped by; an empty text is a value."""
    found = groups([row(3, {}), row(2, {"model": ""}), row(3, {"stream": "yes"}), row(2, main(""))], [])
    assert found.total.counts["calls"] == 3
    assert {name: [one.counts["calls"] for one in listed] for name, listed in found.segments.items()} == {
        "all": [3], "model": [2], "streaming": [3], "model and endpoint": [2],
    }  # fmt: skip


def test_only_the_largest_segments_are_kept_and_the_others_counted() -> None:
    """However many models clients name, memory and the document stay small."""
    rows = [row(calls, {"model": f"model-{calls}"}) for calls in range(1, TOP + 31)]
    found = groups(rows, [])
    assert [one.counts["calls"] for one in found.segments["model"]] == list(range(TOP + 30, 30, -1))
    assert found.left_out == {"model": 30}


def test_kinds_stand_at_their_segment_and_in_the_sum() -> None:
    """Also those of segments that are not listed are in the sum."""
    kind = {"fact": "signal", "kind": "stop", "calls": 2}
    rows = [row(9, {}), row(5, main("a"))]
    found = groups(rows, [{**main("a"), **kind}, {**main("not listed"), **kind}])
    assert found.main[0].kinds == {"signal.stop": 2}
    assert found.total.kinds == {"signal.stop": 4}


def test_the_matrix_names_kinds_that_were_never_seen() -> None:
    """What is not instrumented is what one looks for; a plugin's kind is there once it was seen."""
    total = Segment("all", {}, {**dict.fromkeys(COUNTS, 0), "calls": 10}, {"signal.of_a_plugin": 5})
    found = {one["kind"]: one for one in matrix(total)}
    assert found["feedback.outcome"]["calls"] == found["signal.correction"]["calls"] == 0
    assert found["signal.of_a_plugin"]["share"] == 0.5
    assert len(found) == len(matrix(total))
    assert "feedback.retraction" not in found, "to take something back is no knowledge that somebody lacks"


def test_each_share_has_its_count_and_its_interval() -> None:
    """Never a share alone; of nothing there is no share at all."""
    segment = Segment("model", {"model": "a"}, {**dict.fromkeys(COUNTS, 0), "calls": 10, "explicit": 5})
    found = document(segment)
    assert found["explicit"] == {"calls": 5, "share": 0.5, "low": 0.236593, "high": 0.763407}
    empty = document(segment._replace(counts=dict.fromkeys(COUNTS, 0)))
    assert empty["explicit"]["share"] is None
    assert (empty["explicit"]["low"], empty["explicit"]["high"]) == pytest.approx((0, 1))
