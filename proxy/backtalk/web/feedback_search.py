"""Finding what was said, across the journal's fresh end and the ledger, with what became of it.

In: who asks, and one key. Out: rows with the calls that they fit and what came after them. The one rule: a tenant is
shown what it said itself; the calls of others are not even looked at.
"""

from collections.abc import Iterable, Mapping
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
    said = [row for items in newest for row in items]
    calls = search.calls(said)
    later = search.said("supersedes", {row["feedback_id"] for row in said})
    standing = standings([(row, targets(row, calls)) for row in said], {}, calls)
    rejected = {one.row["feedback_id"]: one for one in standing if one.state == "rejected"}
    return [_judged(feedback_document(items, calls, later), rejected) for items in newest]


def _judged(document: dict[str, Any], rejected: Mapping[str, Standing]) -> dict[str, Any]:
    """The document, with the reason where the call shows that it cannot be meant so."""
    one = rejected.get(document["feedback_id"])
    if one is None or document["status"] != "joined":
        return document
    return document | {"status": "rejected", "reason": one.reason, "message": one.message}


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
        calls = self._of_traces({asked.value})
        responses = {call["response_id"] for call in calls if call.get("response_id")}
        return unique([*rows, *self.said("response_id", responses)], *_ITEM)

    def said(self, column: str, values: set[str]) -> list[Row]:
        """The feedback whose column is one of the values; each counts once."""
        stored = self._reader.feedback_by(column, values)
        return self._own(
            unique([*_mark(stored, True), *_mark(self._fresh.find("feedback", column, values), False)], *_ITEM)
        )

    def calls(self, said: Iterable[Row]) -> list[Row]:
        """The calls that feedback may mean."""
        rows = list(said)
        calls = self._of_traces({row["trace_id"] for row in rows if row.get("trace_id")})
        responses = {row["response_id"] for row in rows if row.get("response_id")}
        fresh = self._fresh.all("calls", lambda row: row.get("response_id") in responses) if responses else []
        answering = [*self._reader.calls_answering(responses), *fresh]
        sessions = {row["session_id"] for row in rows if row.get("session_id")}
        return unique(self._own([*calls, *answering, *self._of_sessions(sessions)]), *_CALL)

    def _of_traces(self, trace_ids: set[str]) -> list[Row]:
        opened = self._fresh.open_calls(lambda row: row["trace_id"] in trace_ids)
        stored = self._reader.calls(trace_ids=trace_ids)
        return self._own(unique([*stored, *self._fresh.find("calls", "trace_id", trace_ids), *opened], *_CALL))

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
