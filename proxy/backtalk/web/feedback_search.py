"""Finding what was said, across the journal's fresh end and the ledger, with what became of it.

In: who asks, and one key. Out: documents with the status of the one view (`ledger.standing`), which needs all that was
said of the same calls. The one rule: a tenant is shown what it said itself, and of the calls of others only that they
are not its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.schema import Row
from backtalk.ledger.standing import Standing, standings
from backtalk.ledger.targets import targets
from backtalk.web.documents import unique
from backtalk.web.feedback_documents import feedback_document
from backtalk.web.fresh import FreshIndex

KEYS: Final = ("trace_id", "feedback_id", "session_id", "response_id")
_ITEM: Final = ("feedback_id", "item")
_CALL: Final = ("trace_id", "span_id")
_SESSION_CALLS: Final = 8


class Asked(NamedTuple):
    """One question: the column that is asked by, its value, whose feedback (None: everybody's), how many."""

    column: str
    value: str
    tenant: str | None = None
    limit: int = 100


def find(asked: Asked, reader: LedgerReader, fresh: FreshIndex) -> list[dict[str, Any]]:
    """The documents of what was said, newest first."""
    search = _Search(reader, fresh, asked.tenant)
    found: dict[str, list[Row]] = {}
    for row in search.rows(asked):
        found.setdefault(row["feedback_id"], []).append(row)
    newest = sorted(found.values(), key=lambda items: items[0]["given_ns"], reverse=True)[: asked.limit]
    said = search.around([row for items in newest for row in items])
    calls = search.calls(said)
    resolved = [(row, targets(row, calls)) for row in said]
    messages = search.messages(resolved)
    states: dict[str, list[Standing]] = {}
    for one in standings(resolved, messages, calls):
        states.setdefault(one.row["feedback_id"], []).append(one)
    return [
        feedback_document(states.get(items[0]["feedback_id"]) or _retraction(items[0], states), said, calls, messages)
        for items in newest
    ]


def _retraction(row: Row, states: Mapping[str, Sequence[Standing]]) -> list[Standing]:
    """A retraction counts once it has taken something back."""
    named = states.get(row.get("supersedes") or "", ())
    return [Standing(row, (), "counts" if any(one.state == "retracted" for one in named) else "pending")]


class _Search:
    """Reads both sides, of one tenant."""

    def __init__(self, reader: LedgerReader, fresh: FreshIndex, tenant: str | None) -> None:
        self._reader = reader
        self._fresh = fresh
        self._tenant = tenant

    def rows(self, asked: Asked) -> list[Row]:
        """What names the key, and what names an answer of the trace by its response's id."""
        rows = self.said(asked.column, {asked.value})
        if asked.column != "trace_id":
            return rows
        calls = self._own(self._of_traces({asked.value}))
        return unique([*rows, *self.said("response_id", _named("response_id", calls))], *_ITEM)

    def around(self, said: Sequence[Row]) -> list[Row]:
        """These and what decides with them: all that was said of the same, and what takes any of it back."""
        calls = self._own(self.calls(said))
        found = unique(
            [
                *said,
                *self.said("trace_id", _named("trace_id", [*calls, *said])),
                *self.said("response_id", _named("response_id", [*calls, *said])),
                *self.said("session_id", _named("session_id", said)),
            ],
            *_ITEM,
        )
        found = unique([*found, *self.said("feedback_id", _named("supersedes", found))], *_ITEM)
        named = _named("feedback_id", found)
        while named:
            known = _named("feedback_id", found)
            later = [row for row in self.said("supersedes", named) if row["feedback_id"] not in known]
            found, named = [*found, *later], _named("feedback_id", later)
        return found

    def messages(self, resolved: Sequence[tuple[Row, Sequence[Row]]]) -> dict[str, Row]:
        """What corrections and spans are judged by: the answers and the tools of their calls."""
        judged = [call for row, fits in resolved if _needs_texts(row) for call in fits]
        ids = {name for call in judged for name in (*(call.get("answer_ids") or ()), call.get("tools_id")) if name}
        stored: dict[str, Row] = dict(self._reader.messages(ids))
        return stored | {row["message_id"]: row for row in self._fresh.find("messages", "message_id", ids)}

    def said(self, column: str, values: set[str]) -> list[Row]:
        """The feedback whose column is one of the values; each counts once."""
        stored = self._reader.feedback_by(column, values)
        return self._own(
            unique([*_mark(stored, True), *_mark(self._fresh.find("feedback", column, values), False)], *_ITEM)
        )

    def calls(self, said: Iterable[Row]) -> list[Row]:
        """The calls that feedback may mean, and those of others under the same trace."""
        rows = list(said)
        calls = self._of_traces(_named("trace_id", rows))
        responses = _named("response_id", rows)
        fresh = self._fresh.all("calls", lambda row: row.get("response_id") in responses) if responses else []
        answering = [*self._reader.calls_answering(responses), *fresh]
        return unique([*calls, *answering, *self._of_sessions(_named("session_id", rows))], *_CALL)

    def _of_traces(self, trace_ids: set[str]) -> list[Row]:
        opened = self._fresh.open_calls(lambda row: row["trace_id"] in trace_ids)
        stored = self._reader.calls(trace_ids=trace_ids)
        return unique([*stored, *self._fresh.find("calls", "trace_id", trace_ids), *opened], *_CALL)

    def _of_sessions(self, sessions: set[str]) -> list[Row]:
        """Some calls of each session, by the name that was inferred or by the app's own."""
        found: list[Row] = []
        for name in sessions:
            found += self._reader.recent_calls(limit=_SESSION_CALLS, session_id=name, tenant=self._tenant)
            found += self._reader.recent_calls(limit=_SESSION_CALLS, declared_session=name, tenant=self._tenant)
        named = ("session_id", "declared_session")
        return found + self._fresh.all("calls", lambda row: any(row.get(one) in sessions for one in named))

    def _own(self, rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if self._tenant is None or row.get("tenant") == self._tenant]


def _mark(rows: Iterable[Mapping[str, Any]], committed: bool) -> list[Row]:
    return [{**row, "committed": committed} for row in rows]


def _named(column: str, rows: Iterable[Row]) -> set[str]:
    return {row[column] for row in rows if row.get(column)}


def _needs_texts(row: Row) -> bool:
    return row["kind"] == "correction" or row.get("span_end") is not None
