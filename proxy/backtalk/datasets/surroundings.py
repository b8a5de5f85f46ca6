"""The rows around some calls, by call: signals, links, edits, messages, and feedback with its standing.

In: the rows of one chunk. Out: mappings by call. The one rule: which signal counts is `ledger.counting`'s to say, and
which feedback `ledger.standing`'s; nothing else is decided here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from backtalk.datasets.evidence import key
from backtalk.ledger.counting import counting
from backtalk.ledger.schema import Row
from backtalk.ledger.standing import Standing, standings
from backtalk.model.ids import CallKey, SpanId, TraceId

Rows = Sequence[dict[str, Any]]


class ChunkRows(NamedTuple):
    """The rows of one chunk, as the queries of the same names give them."""

    answers: Rows
    signals: Rows
    links: Rows
    edits: Rows
    feedback: Rows
    successors: Rows
    texts: Rows


class Surroundings:
    """Everything that is known around the calls of a chunk."""

    def __init__(self, rows: ChunkRows) -> None:
        self.calls: Final[Mapping[CallKey, Row]] = {key(row): row for row in rows.answers}
        """The calls to look at, in order."""
        self.signals: Final = [row for row in counting(rows.signals) if row["fact"] == "signal"]
        self.links: Final[Mapping[CallKey, Row]] = {key(row): row for row in rows.links}
        """Where calls that show a signal were put last, if that was after it was found."""
        self.edits: Final[Mapping[CallKey, Row]] = {key(row): row for row in rows.edits}
        """The calls that show an edit."""
        self.messages: Final[Mapping[str, Row]] = {row["message_id"]: row for row in rows.texts}
        self.standings: Final = self._standings(rows)

    def _standings(self, rows: ChunkRows) -> Mapping[CallKey, Sequence[Standing]]:
        """The feedback about each call."""
        about = {_item(row): _called(row) for row in rows.feedback}
        said = {_item(row): row for row in (*rows.feedback, *rows.successors)}
        resolved: list[tuple[Row, Sequence[Row]]] = []
        for name, row in said.items():
            call = self.calls.get(about[name]) if name in about else None
            resolved.append((row, [] if call is None else [call]))
        found: dict[CallKey, list[Standing]] = {}
        for one in standings(resolved, self.messages, list(self.calls.values())):
            if one.fits:
                found.setdefault(key(one.fits[0]), []).append(one)
        return found


def _item(row: Row) -> tuple[str, int | None]:
    return row["feedback_id"], row["item"]


def _called(row: Row) -> CallKey:
    return CallKey(TraceId(row["call_trace_id"]), SpanId(row["call_span_id"]))
