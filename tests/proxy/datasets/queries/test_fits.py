"""Which call a feedback fits: all at once, as `ledger.targets` says it of one."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backtalk.ledger.targets import targets
from backtalk.testing.ledgers import write_rows
from backtalk.testing.selections import selected

DAY = "2026-01-01"
FEW = st.sampled_from
CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "trace_id": FEW(["t1", "t2"]),
            "parent_span_id": FEW([None, "", "s1", "p1"]),
            "tenant": FEW(["a", "b"]),
            "response_id": FEW([None, "", "r1", "r2"]),
        }
    ),
    max_size=5,
)
FEEDBACK = st.lists(
    st.fixed_dictionaries(
        {
            "trace_id": FEW([None, "t1", "t2", "t3"]),
            "span_id": FEW([None, None, "s1", "s9"]),
            "parent_span_id": FEW([None, None, "s1", "p1"]),
            "response_id": FEW([None, None, "", "r1", "r2"]),
            "session_id": FEW([None, None, "x"]),
            "tenant": FEW(["a", "b"]),
            "kind": FEW(["rating", "rating", "retraction"]),
            "item": FEW([None, 0]),
        }
    ),
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(CALLS, FEEDBACK)
def test_each_feedback_fits_what_its_key_names(calls: list[dict[str, Any]], feedback: list[dict[str, Any]]) -> None:
    """One call: it stands there. None or several: it is said why, and it counts nowhere."""
    for number, row in enumerate(calls):
        row |= {"dt": DAY, "span_id": f"s{number}", "opened_ns": number}
    for number, row in enumerate(feedback):
        row |= {"dt": DAY, "feedback_id": f"f{number}", "given_ns": number, "request_span_id": f"{number}"}

    found, reasons = _selected({"calls": calls, "feedback": feedback})

    for row in feedback:
        name = row["feedback_id"]
        fitting = [] if row["kind"] == "retraction" else targets(row, calls)
        assert found.get(name, set()) == ({fitting[0]["span_id"]} if len(fitting) == 1 else set())
        assert reasons.get(name) == _reason(row, fitting, calls)


def _reason(row: dict[str, Any], fitting: list[Any], calls: list[dict[str, Any]]) -> str | None:
    if row["kind"] == "retraction" or len(fitting) == 1:
        return None
    if fitting:
        return "target_ambiguous"
    if row["session_id"]:
        return "target_is_session"
    named = [call for call in calls if call["trace_id"] == row["trace_id"]]
    is_foreign = bool(named) and all(call["tenant"] != row["tenant"] for call in named)
    return "foreign_tenant" if is_foreign else "target_pending"


def _selected(rows: Any) -> tuple[dict[str, set[str]], dict[str, str]]:
    """The calls that each feedback stands with, and why others stand with none."""
    found: dict[str, set[str]] = {}
    with TemporaryDirectory() as folder, selected(write_rows(Path(folder), rows)) as selection:
        for chunk in selection.chunks():
            for row in chunk.feedback:
                found.setdefault(row["feedback_id"], set()).add(row["call_span_id"])
        return found, {one.id: one.reason for one in selection.left_out()}


def test_feedback_with_one_id_is_the_row_that_came_first(tmp_path: Path) -> None:
    """Whatever a repeat says; what is about several calls has a row for each."""
    calls = [{"dt": DAY, "trace_id": "t1", "span_id": f"s{n}", "opened_ns": 1, "tenant": "a"} for n in range(3)]
    base = {"dt": DAY, "feedback_id": "f1", "kind": "ranking", "trace_id": "t1", "tenant": "a"}
    rows = [
        base | {"given_ns": 2, "item": 0, "span_id": "s0"},
        base | {"given_ns": 1, "item": 0, "span_id": "s1"},
        base | {"given_ns": 1, "item": 1, "span_id": "s2"},
    ]
    with selected(write_rows(tmp_path, {"calls": calls, "feedback": rows})) as selection:
        said = [row for chunk in selection.chunks() for row in chunk.feedback]
    assert [(row["item"], row["call_span_id"]) for row in said] == [(0, "s1"), (1, "s2")]
