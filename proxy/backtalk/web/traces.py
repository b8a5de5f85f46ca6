"""Reading traces: the journal's fresh end and the ledger, joined.

In: questions of the admin API. Out: documents that say of every part whether it is committed. Everything here runs
in one thread of its own, so that a slow query never delays the listener.
"""

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from backtalk.ledger.counting import counting
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import Row, TableName
from backtalk.ledger.standing import standings
from backtalk.ledger.targets import targets
from backtalk.model.facts import decode_entry
from backtalk.model.ids import CallKey
from backtalk.model.meter import Meter
from backtalk.spool.cursor import Cursor
from backtalk.spool.journal import ID
from backtalk.spool.tail import Tail
from backtalk.web import documents
from backtalk.web.feedback_search import Asked, find
from backtalk.web.fresh import FreshIndex

_CALL: Final = ("trace_id", "span_id")
_FEEDBACK: Final = ("feedback_id", "item")
_SIGNAL: Final = ("fact", "signal_id", "kind", "trace_id", "span_id", "shown_by_span_id", "found_ns", "replay")
_SCAN: Final = 5_000
_SHOWN_CHARS: Final = 200
"""So much of a text of feedback stands in a list of calls."""


class Traces:
    """Answers questions about traces; used by one thread."""

    def __init__(self, data_dir: Path, rows: Rows, metrics: Meter) -> None:
        self._reader = LedgerReader(data_dir / "ledger")
        self._data_dir = data_dir
        self._mark: Cursor | None = None
        self._fresh = FreshIndex(rows, metrics)
        self._tail = Tail(data_dir / "journal", self._committed())

    def refresh(self) -> None:
        """Take what the journal has gained, let go of what the ledger has."""
        while records := self._tail.read():
            for record in records:
                with contextlib.suppress(msgspec.MsgspecError):  # the ledger's writer meets it too, and says so
                    self._fresh.add(record.next_offset, decode_entry(record.payload))
        self._fresh.commit(self._committed())

    def _committed(self) -> int:
        """How far the ledger is in the journal; 0 while there is no journal."""
        if self._mark is None:
            try:
                stream = (self._data_dir / "journal" / ID).read_text(encoding="ascii").strip()
            except OSError:
                return 0
            self._mark = Cursor(self._data_dir / "cursors" / "ledger", stream=stream)
        return self._mark.load() or 0

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """The document of a trace, None where nothing is known of it."""
        self.refresh()
        calls = self._calls([trace_id])
        signals = self._signals([trace_id])
        feedback = self._feedback(calls, trace_id)
        if not (calls or signals or feedback):
            return None
        return documents.trace_document(
            trace_id,
            calls=calls,
            signals=signals,
            feedback=feedback,
            messages=self.messages(calls),
            siblings=self._siblings(feedback, trace_id),
        )

    def feedback(self, asked: Asked) -> list[dict[str, Any]]:
        """What was said, with what became of it."""
        self.refresh()
        return find(asked, self._reader, self._fresh)

    def recent(
        self,
        *,
        limit: int,
        before_ns: int | None = None,
        signal: str | None = None,
        has_feedback: bool | None = None,
        **equal: str | int | None,
    ) -> dict[str, Any]:
        """The latest calls, newest first, each with its signals and feedback.

        By signal and by feedback the newest few thousand calls are searched; `searched_to_ns` says how far back.
        """
        self.refresh()
        asked = {column: value for column, value in equal.items() if value is not None}
        filtered = signal is not None or has_feedback is not None
        calls = self._recent(_SCAN if filtered else limit, before_ns, asked)
        listed = self._listed(calls)
        if signal is not None:
            listed = [call for call in listed if any(one["kind"] == signal for one in call["signals"])]
        if has_feedback is not None:
            listed = [call for call in listed if bool(call["feedback"]) == has_feedback]
        return {"calls": listed[:limit], "searched_to_ns": calls[-1]["opened_ns"] if calls else None}

    def drawn(self, limit: int) -> tuple[list[Row], list[Row]]:
        """The latest calls that were drawn for review, and what was said of them."""
        self.refresh()
        calls = self._recent(limit, None, {"audited": True})
        return calls, self._feedback(calls)

    def drawn_of(self, key: CallKey) -> tuple[list[Row], list[Row]]:
        """The call of a key, where it was drawn for review, and what was said of it."""
        self.refresh()
        calls = [row for row in self._calls([key.trace_id]) if row["span_id"] == key.span_id and row.get("audited")]
        said = [row for row in self._feedback(calls) if row.get("span_id") == key.span_id]
        return calls, said

    def _listed(self, calls: list[Row]) -> list[dict[str, Any]]:
        """The calls without their texts; what is said of a whole trace or by an ambiguous id stands at none."""
        signals = self._signals({call["trace_id"] for call in calls})
        said = standings([(row, targets(row, calls)) for row in self._feedback(calls)], {})
        found = [documents.call_document(call, signals, said, {}) for call in calls]
        listed = [{name: value for name, value in one.items() if name not in ("request", "answers")} for one in found]
        return [one | {"feedback": list(map(_briefly, one["feedback"]))} for one in listed]

    def _recent(self, limit: int, before_ns: int | None, equal: Mapping[str, str | int]) -> list[Row]:
        def wanted(row: Row) -> bool:
            in_time = before_ns is None or row["opened_ns"] < before_ns
            return in_time and all(row.get(column) == value for column, value in equal.items())

        fresh = [*self._fresh.open_calls(wanted), *self._fresh.all("calls", wanted)]
        stored = self._reader.recent_calls(limit=limit, before_ns=before_ns, **equal)
        calls = documents.unique([*_mark(fresh, False), *_mark(stored, True)], *_CALL)
        return sorted(calls, key=lambda row: row["opened_ns"], reverse=True)[:limit]

    def _calls(self, trace_ids: list[str]) -> list[Row]:
        names = set(trace_ids)
        fresh = self._fresh.find("calls", "trace_id", names)
        opened = self._fresh.open_calls(lambda row: row["trace_id"] in names)
        stored = self._reader.calls(trace_ids=names)
        calls = documents.unique([*_mark(stored, True), *_mark(fresh, False), *_mark(opened, False)], *_CALL)
        return sorted(calls, key=lambda row: row["opened_ns"])

    def _signals(self, trace_ids: Iterable[str]) -> list[Row]:
        names = set(trace_ids)
        fresh = self._both("signals", names)
        stored = self._reader.signals(trace_ids=names)
        found = counting(documents.unique([*_mark(stored, True), *_mark(fresh, False)], *_SIGNAL))
        return sorted(found, key=lambda row: row["found_ns"])

    def _both(self, table: TableName, names: set[str]) -> list[Row]:
        return [*self._fresh.find(table, "trace_id", names), *self._fresh.find(table, "shown_by_trace_id", names)]

    def _feedback(self, calls: list[Row], *traces: str) -> list[Row]:
        trace_ids = {*traces, *(call["trace_id"] for call in calls)}
        responses = {call["response_id"] for call in calls if call.get("response_id")}
        sessions = {name for call in calls for name in (call.get("session_id"), call.get("declared_session")) if name}
        fresh = [
            *self._fresh.find("feedback", "trace_id", trace_ids),
            *self._fresh.find("feedback", "response_id", responses),
            *self._fresh.find("feedback", "session_id", sessions),
        ]
        stored = self._reader.feedback(trace_ids=trace_ids, response_ids=responses, session_ids=sessions)
        tenants = {call.get("tenant") for call in calls}
        found = documents.unique([*_mark(stored, True), *_mark(fresh, False)], *_FEEDBACK)
        mine = [row for row in found if row.get("trace_id") in trace_ids or row["tenant"] in tenants]
        return [*mine, *self._successors(mine)]

    def _successors(self, feedback: list[Row]) -> list[Row]:
        """What supersedes or takes back these, under whatever key, and what does so to those."""
        known = {row["feedback_id"] for row in feedback}
        found: list[Row] = []
        named = known
        while named:
            stored, fresh = self._reader.successors(named), self._fresh.find("feedback", "supersedes", named)
            both = documents.unique([*_mark(stored, True), *_mark(fresh, False)], *_FEEDBACK)
            later = [row for row in both if row["feedback_id"] not in known]
            named = {row["feedback_id"] for row in later}
            known |= named
            found += later
        return found

    def _siblings(self, feedback: list[Row], trace_id: str) -> list[Row]:
        """Calls of other traces with a response id that a feedback names: two calls may carry one id."""
        responses = {row["response_id"] for row in feedback if row.get("response_id")}
        if not responses:
            return []
        fresh = self._fresh.all("calls", lambda row: row.get("response_id") in responses)
        stored = [row for name in responses for row in self._reader.recent_calls(limit=8, response_id=name)]
        found = documents.unique([*_mark(stored, True), *_mark(fresh, False)], *_CALL)
        return [row for row in found if row["trace_id"] != trace_id]

    def messages(self, calls: Sequence[Row]) -> dict[str, Row]:
        """The messages of calls, by their ids."""
        ids = {name for call in calls for name in (*(call["message_ids"] or ()), *(call["answer_ids"] or ()))}
        ids |= {call["tools_id"] for call in calls if call.get("tools_id")}
        stored: dict[str, Row] = dict(self._reader.messages(ids))
        return stored | {row["message_id"]: row for row in self._fresh.find("messages", "message_id", ids)}


def _mark(rows: Iterable[Row], committed: bool) -> list[Row]:
    return [{**row, "committed": committed} for row in rows]


def _briefly(given: dict[str, Any]) -> dict[str, Any]:
    """Feedback in a list: what is long is cut, an object to a text of JSON; the trace's own document has all."""
    told = {name: given[name] for name in ("comment", "value") if given.get(name) is not None}
    texts = {name: one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for name, one in told.items()}
    cut = {name: text[:_SHOWN_CHARS] for name, text in texts.items() if len(text) > _SHOWN_CHARS}
    return {name: value for name, value in given.items() if name != "edited"} | cut
