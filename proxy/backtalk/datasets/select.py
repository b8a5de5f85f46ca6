"""Which facts make rows of a dataset: reads the ledger, decides nothing about formats.

In: a reader pinned to table versions. Out: corrections and edits, each with its calls and messages, or with the reason
why it cannot be used. Kept apart from the formats so that one selection serves them all. Plain reads by id suffice
here, since only calls with feedback are touched; selections that scan and aggregate belong to a query engine.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.schema import Row
from backtalk.ledger.standing import standings
from backtalk.ledger.targets import targets
from backtalk.model.chat import Message
from backtalk.model.ids import CallKey, SpanId, TraceId

_CHAT_APIS: Final = frozenset(("chat", "responses", "messages", "ollama_chat"))
_NOT_COUNTED: Final = frozenset(("rejected", "superseded", "retracted", "replaced"))
_decode: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)


class Exchange(NamedTuple):
    """A call as a dataset needs it: what was asked, what was answered, and the tools that were offered."""

    key: CallKey
    asked: tuple[Message, ...]
    answers: tuple[Message, ...]
    tools_json: str | None


class Correction(NamedTuple):
    """A feedback of kind correction and the call that it corrects."""

    feedback_id: str
    given_ns: int
    value_json: str
    exchange: Exchange


class Edit(NamedTuple):
    """A signal that the app resent an answer with another text."""

    signal_id: str
    found_ns: int
    exchange: Exchange
    resent: Exchange


class LeftOut(NamedTuple):
    """A fact that makes no row, and why."""

    fact: str
    """`feedback` or `signal`."""
    id: str
    reason: str


class Selection(NamedTuple):
    """Everything selected, in the order of time and id."""

    corrections: tuple[Correction, ...]
    edits: tuple[Edit, ...]
    left_out: tuple[LeftOut, ...]


def select(reader: LedgerReader, *, min_probability: float) -> Selection:
    """Select all corrections, and the edits whose probability is not below the limit."""
    feedback = sorted(reader.of_kind("feedback", "correction", order="given_ns"), key=_time_and_id)
    signals = sorted(_unique(_seen(reader.of_kind("signals", "assistant_edit", order="found_ns"))), key=_time_and_id)
    chooser = _Chooser(reader, feedback, signals)
    corrections = [chooser.correction(row) for row in feedback]
    edits = [chooser.edit(row, min_probability) for row in signals]
    return Selection(
        tuple(one for one in corrections if isinstance(one, Correction)),
        tuple(one for one in edits if isinstance(one, Edit)),
        tuple(one for one in (*corrections, *edits) if isinstance(one, LeftOut)),
    )


class _Chooser:
    """The rows around the facts, read once."""

    def __init__(self, reader: LedgerReader, feedback: Sequence[Row], signals: Sequence[Row]) -> None:
        by_trace = reader.calls(trace_ids={row["trace_id"] for row in feedback if row["trace_id"]})
        by_response = reader.calls_answering({row["response_id"] for row in feedback if row["response_id"]})
        self._candidates = list({_key(row): row for row in (*by_trace, *by_response)}.values())
        self._calls = reader.calls_of(key for row in signals for key in (_key(row), _shown_by(row)))
        self._calls |= {_key(row): row for row in self._candidates}
        self._links = _latest_links(reader.signals(trace_ids={row["shown_by_trace_id"] for row in signals}))
        self._messages = reader.messages(_message_ids(self._calls.values()))
        later = reader.successors(row["feedback_id"] for row in feedback)
        said = {_item(row): row for row in (*feedback, *later)}
        resolved = [(row, targets(row, self._candidates)) for row in said.values()]
        found = standings(resolved, self._messages, self._candidates)
        self._standings = {_item(one.row): one for one in found}

    def correction(self, row: Row) -> Correction | LeftOut:
        standing = self._standings[_item(row)]
        fits = standing.fits
        if standing.state in _NOT_COUNTED:
            return LeftOut("feedback", row["feedback_id"], standing.reason or standing.state)
        if len(fits) != 1:
            return LeftOut("feedback", row["feedback_id"], _unfit_target(row, fits))
        exchange = self._exchange(fits[0])
        if isinstance(exchange, str) or row["value_json"] is None:
            reason = exchange if isinstance(exchange, str) else "content_not_kept"
            return LeftOut("feedback", row["feedback_id"], reason)
        return Correction(row["feedback_id"], row["given_ns"], row["value_json"], exchange)

    def edit(self, row: Row, min_probability: float) -> Edit | LeftOut:
        about, shown_by = self._calls.get(_key(row)), self._calls.get(_shown_by(row))
        if row["probability"] < min_probability:
            return LeftOut("signal", row["signal_id"], "improbable")
        if about is None or shown_by is None:
            return LeftOut("signal", row["signal_id"], "call_not_closed")
        if self._is_superseded(row):
            return LeftOut("signal", row["signal_id"], "superseded")
        exchange, resent = self._exchange(about), self._exchange(shown_by, answered=False)
        if isinstance(exchange, str):
            return LeftOut("signal", row["signal_id"], exchange)
        if isinstance(resent, str):
            return LeftOut("signal", row["signal_id"], resent)
        return Edit(row["signal_id"], row["found_ns"], exchange, resent)

    def _is_superseded(self, row: Row) -> bool:
        """Whether the showing call was put elsewhere after the signal was found."""
        link = self._links.get(_shown_by(row))
        if link is None or link["found_ns"] <= row["found_ns"]:
            return False
        evidence = json.loads(link["evidence_json"])
        return _key(row).request_id not in {evidence.get("parent"), evidence.get("sibling")}

    def _exchange(self, call: Row, *, answered: bool = True) -> Exchange | str:
        """The call with its messages, or the reason why it cannot be used."""
        if call["api"] not in _CHAT_APIS:
            return "not_chat"
        if call["request_capture"] != "full" or (answered and call["response_capture"] != "full"):
            return "capture_truncated"
        if answered and (call["outcome"] != "completed" or call["status"] >= 400):
            return "answer_incomplete"
        asked, answers = self._texts(call["message_ids"]), self._texts(call["answer_ids"])
        tools = self._texts([call["tools_id"]] if call["tools_id"] else [])
        if asked is None or answers is None or tools is None:
            return "content_not_kept"
        return Exchange(_key(call), asked, answers, tools[0].text if tools else None)

    def _texts(self, ids: Iterable[str]) -> tuple[Message, ...] | None:
        texts = [self._messages.get(name, {}).get("json") for name in ids]
        return None if None in texts else tuple(_decode.decode(text) for text in texts if text is not None)


def _item(row: Row) -> tuple[Any, ...]:
    return row["feedback_id"], row.get("item")


def _unfit_target(row: Row, fits: Sequence[Row]) -> str:
    if fits:
        return "target_ambiguous"
    return "target_is_session" if row["session_id"] else "target_pending"


def _latest_links(rows: Iterable[Row]) -> dict[CallKey, Row]:
    links = sorted((row for row in rows if row["fact"] == "link"), key=lambda row: int(row["found_ns"]))
    return {_key(row): row for row in links}


def _message_ids(calls: Collection[Row]) -> set[str]:
    ids = {name for call in calls for name in (*call["message_ids"], *call["answer_ids"])}
    return ids | {call["tools_id"] for call in calls if call["tools_id"]}


def _seen(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The signals that traffic showed: a model's opinion makes no row beside what people did."""
    return [row for row in rows if row["fact"] == "signal" and row.get("provenance") != "llm"]


def _unique(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({row["signal_id"]: row for row in rows}.values())


def _time_and_id(row: Mapping[str, Any]) -> tuple[int, str]:
    return (row["given_ns"], row["feedback_id"]) if "feedback_id" in row else (row["found_ns"], row["signal_id"])


def _key(row: Row) -> CallKey:
    return CallKey(TraceId(row["trace_id"]), SpanId(row["span_id"]))


def _shown_by(row: Row) -> CallKey:
    return CallKey(TraceId(row["shown_by_trace_id"]), SpanId(row["shown_by_span_id"]))
