"""The rows around some calls, read once: calls, signals, links, messages, and feedback with its standing.

In: a reader pinned to table versions and the keys of calls. Out: mappings by call. Nothing is decided here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from backtalk.datasets.evidence import key, shown_by
from backtalk.datasets.exchanges import message_ids
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.schema import Row
from backtalk.ledger.standing import Standing, standings
from backtalk.ledger.targets import targets
from backtalk.model.ids import CallKey


class Surroundings:
    """Everything that is read for these calls; a call that is not there is left out."""

    def __init__(self, reader: LedgerReader, wanted: Sequence[CallKey]) -> None:
        traces = {name.trace_id for name in wanted}
        self.calls = {key(row): row for row in reader.calls(trace_ids=traces)}
        mine = {name: self.calls[name] for name in wanted if name in self.calls}
        responses = {row["response_id"] for row in mine.values() if row["response_id"]}
        for row in reader.calls_answering(responses):
            self.calls.setdefault(key(row), row)
        noticed = [row for row in reader.signals(trace_ids=traces) if key(row) in mine or row["fact"] == "link"]
        self.signals = _unique([row for row in noticed if row["fact"] == "signal"])
        self.calls |= reader.calls_of({shown_by(row) for row in self.signals} - self.calls.keys())
        self.links = _links(reader, self.signals)
        self.messages = reader.messages(message_ids(self._with_texts(mine)))
        self.standings = self._standings(reader, traces, responses)

    def _with_texts(self, mine: Mapping[CallKey, Row]) -> list[Row]:
        edits = [shown_by(row) for row in self.signals if row["kind"] == "assistant_edit"]
        return [*mine.values(), *(self.calls[name] for name in edits if name in self.calls)]

    def _standings(self, reader: LedgerReader, traces: set[Any], responses: set[str]) -> dict[CallKey, list[Standing]]:
        said = reader.feedback(trace_ids=traces, response_ids=responses)
        later = reader.successors(row["feedback_id"] for row in said)
        once = {(row["feedback_id"], row.get("item")): row for row in (*said, *later)}
        calls = list(self.calls.values())
        by_trace: dict[str, list[Row]] = {}
        by_response: dict[str, list[Row]] = {}
        for call in calls:
            by_trace.setdefault(call["trace_id"], []).append(call)
            by_response.setdefault(call["response_id"] or "", []).append(call)
        resolved: list[tuple[Row, Sequence[Row]]] = []
        near: dict[CallKey, Row] = {}
        for row in once.values():
            fitting = by_response.get(row["response_id"]) if row["response_id"] else by_trace.get(row["trace_id"])
            near |= {key(call): call for call in fitting or ()}
            resolved.append((row, targets(row, fitting or ())))
        found: dict[CallKey, list[Standing]] = {}
        for one in standings(resolved, self.messages, list(near.values())):
            about = one.fits[0] if one.fits else next(iter(by_trace.get(one.row["trace_id"] or "", ())), None)
            if about is not None:
                found.setdefault(key(about), []).append(one)
        return found


def _unique(rows: Sequence[Row]) -> list[Row]:
    return list({row["signal_id"]: row for row in rows}.values())


def _links(reader: LedgerReader, signals: Sequence[Row]) -> dict[CallKey, Row]:
    """Where each showing call was put last."""
    found = reader.signals(trace_ids={row["shown_by_trace_id"] for row in signals})
    links = sorted((row for row in found if row["fact"] == "link"), key=lambda row: int(row["found_ns"]))
    return {key(row): row for row in links}
