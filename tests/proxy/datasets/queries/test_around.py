"""The rows around the calls to look at."""

from pathlib import Path

from backtalk.datasets.queries.scope import MAX_FACTS
from backtalk.ledger.schema import Row, TableName
from backtalk.testing.ledgers import write_rows
from backtalk.testing.selections import only_chunk, selected

DAY = "2026-01-01"


def call(number: int, **fields: object) -> Row:
    """A call's row."""
    return {"dt": DAY, "trace_id": f"t{number}", "span_id": f"s{number}", "opened_ns": number, "tenant": "a"} | fields


def fact(number: int, about: int, shown_by: int, **fields: object) -> Row:
    """A signal's row."""
    return {
        "dt": DAY, "fact": "signal", "signal_id": f"x{number}", "kind": "reformulation", "trace_id": f"t{about}",
        "span_id": f"s{about}", "shown_by_trace_id": f"t{shown_by}", "shown_by_span_id": f"s{shown_by}",
        "found_ns": number, "probability": 0.5,
    } | fields  # fmt: skip


def said(number: int, about: int, **fields: object) -> Row:
    """A feedback's row."""
    return {
        "dt": DAY, "feedback_id": f"f{number}", "kind": "rating", "trace_id": f"t{about}", "tenant": "a",
        "given_ns": number, "value_json": "true",
    } | fields  # fmt: skip


def test_signals_say_whether_their_call_has_ended(tmp_path: Path) -> None:
    """Withdrawals and replays come along; relations do not."""
    rows = [fact(1, 0, 1), fact(2, 0, 9), fact(1, 0, 1, fact="withdrawal", replay=1), fact(3, 0, 1, fact="relation")]
    with selected(write_rows(tmp_path, {"calls": [call(0), call(1)], "signals": rows})) as selection:
        found = only_chunk(selection).signals
    assert [(row["signal_id"], row["fact"], row["is_shown"]) for row in found] == [
        ("x1", "signal", True),
        ("x1", "withdrawal", True),
        ("x2", "signal", False),
    ]


def test_links_are_those_that_came_after_the_signal(tmp_path: Path) -> None:
    """An earlier one says nothing against it."""
    links = [
        fact(number, 1, 1, fact="link", signal_id=None, evidence_json=f'{{"parent": "{number}"}}')
        for number in (4, 5, 6, 7)
    ]
    rows: dict[TableName, list[Row]] = {"calls": [call(0), call(1)], "signals": [fact(5, 0, 1), *links]}
    with selected(write_rows(tmp_path, rows)) as selection:
        assert [row["found_ns"] for row in only_chunk(selection).links] == [6, 7]


def test_successors_come_wherever_they_were_given(tmp_path: Path) -> None:
    """Retractions too; what supersedes something else does not."""
    rows = [
        said(1, 0),
        said(2, 7, supersedes="f1"),
        said(3, 7, supersedes="f1", kind="retraction", trace_id=None),
        said(4, 0, supersedes="f9"),
    ]
    with selected(write_rows(tmp_path, {"calls": [call(0)], "feedback": rows})) as selection:
        chunk = only_chunk(selection)
    assert [row["feedback_id"] for row in chunk.feedback] == ["f1", "f4"]
    assert [row["feedback_id"] for row in chunk.successors] == ["f2", "f3"]


def test_what_is_said_without_end_of_one_call_is_cut_and_said(tmp_path: Path) -> None:
    """The newest are looked at; the others have their reason."""
    rows: dict[TableName, list[Row]] = {
        "calls": [call(0), call(1)],
        "feedback": [said(number, 0) for number in range(MAX_FACTS + 2)],
        "signals": [fact(number, 0, 1) for number in range(MAX_FACTS + 1)],
    }
    with selected(write_rows(tmp_path, rows)) as selection:
        chunk = only_chunk(selection)
        left_out = list(selection.left_out())
    assert (len(chunk.feedback), chunk.feedback[0]["feedback_id"]) == (MAX_FACTS, "f2")
    assert (len(chunk.signals), chunk.signals[0]["signal_id"]) == (MAX_FACTS, "x1")
    assert [tuple(one) for one in left_out] == [
        ("feedback", "f0", "beyond_limit"),
        ("feedback", "f1", "beyond_limit"),
        ("signal", "x0", "beyond_limit"),
    ]
