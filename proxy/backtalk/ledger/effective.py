"""What given feedback is worth now: each row with its calls and its state, whatever was said earlier or later.

In: a reader and rows of feedback. Out: their standings. The one rule: everything that could take a row out of the count
is read beside it, so a row has the same state whichever others were asked for with it.
"""

from collections.abc import Iterable, Sequence

from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.schema import Row
from backtalk.ledger.standing import Standing, standings
from backtalk.ledger.targets import targets


def effective(reader: LedgerReader, rows: Sequence[Row]) -> list[Standing]:
    """The standing of each row, in their order; retractions have none and are left out."""
    if not rows:
        return []
    said = _once([*rows, *reader.successors(row["feedback_id"] for row in rows)])
    calls = _calls(reader, said)
    beside = reader.feedback(
        trace_ids=_values([*said, *calls], "trace_id"),
        response_ids=_values([*said, *calls], "response_id"),
        session_ids=_values(said, "session_id"),
    )
    said = _once([*said, *beside])
    said = _once([*said, *reader.successors(row["feedback_id"] for row in beside)])
    calls = _calls(reader, said)
    judged = [call for call in calls if call["answer_ids"]]
    ids = {name for call in judged for name in call["answer_ids"]} | _values(judged, "tools_id")
    found = standings([(row, targets(row, calls)) for row in said], reader.messages(ids), calls)
    by_item = {_item(one.row): one for one in found}
    return [by_item[_item(row)] for row in rows if _item(row) in by_item]


def _calls(reader: LedgerReader, said: Sequence[Row]) -> list[Row]:
    """The calls that a key could mean."""
    by_trace = reader.calls(trace_ids=_values(said, "trace_id"))
    by_response = reader.calls_answering(_values(said, "response_id"))
    return list({(row["trace_id"], row["span_id"]): row for row in (*by_trace, *by_response)}.values())


def _once(rows: Iterable[Row]) -> list[Row]:
    found: dict[tuple[str, int | None], Row] = {}
    for row in rows:
        found.setdefault(_item(row), row)
    return list(found.values())


def _item(row: Row) -> tuple[str, int | None]:
    return row["feedback_id"], row.get("item")


def _values(rows: Iterable[Row], column: str) -> set[str]:
    return {row[column] for row in rows if row.get(column)}
