"""Prompts with all that counts about their answers: what builders of samples get.

In: the rows of a chunk. Out: `Prompt`s, what the host must know of each call, and every fact that makes none, with the
reason. The one rule: which feedback counts is `ledger.standing`'s to say, and which signal `ledger.counting`'s.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from backtalk.datasets.evidence import key, of_feedback, of_signal, shown_by
from backtalk.datasets.exchanges import (
    Exchange,
    consent_tags,
    edited_answer,
    exchange,
    last_user_text,
)
from backtalk.datasets.formats.unfit import UnfitError
from backtalk.datasets.given_answer import given_answer
from backtalk.datasets.places import place
from backtalk.datasets.recipe import Select
from backtalk.datasets.surroundings import ChunkRows, Surroundings
from backtalk.datasets.weights import Weights
from backtalk.ledger.schema import Row
from backtalk.model.ids import CallKey
from backtalk.plugin import Answer, Evidence, Prompt, Replacement, language_of

_PART_SEED: Final = "part"
_PRIORS: Final = Weights()


class LeftOut(NamedTuple):
    """A fact that makes no row, and why."""

    fact: str
    """`feedback` or `signal`."""
    id: str
    reason: str


class Known(NamedTuple):
    """What the gates and the balance must know of a call; none of it becomes part of a row but model and language."""

    session: str
    user: str
    """Empty where the app named none."""
    model: str
    language: str
    consent: frozenset[str]


class Chunk(NamedTuple):
    """Some prompts, in order."""

    prompts: list[tuple[str, Prompt]]
    """Each with its id."""
    known: dict[CallKey, Known]
    left_out: list[LeftOut]
    evidence: list[Evidence]
    """Every fact that speaks of an answer of these prompts."""


def read_chunk(found: ChunkRows, select: Select, weights: Weights = _PRIORS) -> Chunk:
    """The prompts of these rows."""
    rows = Surroundings(found)
    chunk = Chunk([], {}, [], [])
    judge = _Judge(rows, select, chunk, weights)
    for _, calls in groupby(rows.calls.items(), key=lambda item: int(item[1]["prompt"])):
        answers: list[Answer] = []
        first: tuple[str, Exchange] | None = None
        for name, call in calls:
            told = judge.answers(name, call)
            if told is not None:
                first = first or (_prompt_id(call), told[0])
                answers.extend(told[1])
        if first is not None:
            prompt_id, asked = first
            chunk.prompts.append((prompt_id, Prompt(asked.asked, asked.tools_json, tuple(answers))))
    return chunk


def _prompt_id(call: Row) -> str:
    """The same for all calls that asked the same of the same tenant's models with the same tools."""
    asked = f"{call['tenant'] or ''}/{call['tools_id'] or ''}/{','.join(call['message_ids'] or ())}"
    return hashlib.blake2s(asked.encode()).hexdigest()


class _Judge:
    """Says of one call what counts about it, and puts on record what does not."""

    def __init__(self, rows: Surroundings, select: Select, chunk: Chunk, weights: Weights) -> None:
        self._rows = rows
        self._select = select
        self._weights = weights
        self._chunk = chunk
        self._signals: dict[CallKey, list[Row]] = {}
        for row in rows.signals:
            self._signals.setdefault(key(row), []).append(row)

    def answers(self, name: CallKey, call: Row) -> tuple[Exchange, list[Answer]] | None:
        """What was asked, and the answers that are selected; None where there are none."""
        feedback = self._feedback(name)
        signals = self._noticed(name)
        told = exchange(call, self._rows.messages)
        if isinstance(told, str):
            self._leave([*feedback, *signals], told)
            return None
        self._chunk.known[name] = _known(call, told)
        if len(told.answers) == 1:
            made = [self._answer(name, call, told, feedback, signals)]
        else:
            self._leave(signals, "several_choices")
            self._leave([row for row in feedback if row["choice"] is None], "choice_not_named")
            made = [self._choice(name, call, told, feedback, number) for number in range(len(told.answers))]
        answers = [answer for answer in made if answer is not None]
        return (told, answers) if answers else None

    def _choice(self, name: CallKey, call: Row, told: Exchange, feedback: Iterable[Row], choice: int) -> Answer | None:
        """One of several answers of a call, with what was said of this one; signals do not say which one they mean."""
        own = [row for row in feedback if row["choice"] == choice]
        return self._answer(name, call, told, own, (), choice)

    def _answer(
        self,
        name: CallKey,
        call: Row,
        told: Exchange,
        feedback: Sequence[Row],
        signals: Sequence[Row],
        choice: int | None = None,
    ) -> Answer | None:
        evidence = self._evidence(feedback, signals)
        model = call["model_served"] or call["model"] or ""
        replacements = (*self._corrections(feedback), *self._edits(told, signals))
        message = told.answers[choice or 0]
        answer = Answer(name, call["opened_ns"], model, message, evidence, replacements, choice=choice)
        if not self._is_selected(answer, self._chunk.known[name]):
            self._leave([*feedback, *signals], "not_selected")
            return None
        self._chunk.evidence.extend(evidence)
        return answer

    def _evidence(self, feedback: Iterable[Row], signals: Iterable[Row]) -> tuple[Evidence, ...]:
        said = (of_feedback(row, self._weights) for row in feedback)
        return (*said, *(of_signal(row, self._weights) for row in signals))

    def _is_selected(self, answer: Answer, known: Known) -> bool:
        select = self._select
        if select.languages and known.language not in select.languages:
            return False
        if not select.part[0] <= place(_PART_SEED, known.user or known.session) < select.part[1]:
            return False
        return select.min_quality <= answer.quality <= select.max_quality

    def _feedback(self, name: CallKey) -> list[Row]:
        counted: list[Row] = []
        for one in self._rows.standings.get(name, ()):
            if one.state != "counts":
                self._leave([one.row], one.reason or one.state)
            elif not _in(one.row["kind"], self._select.feedback_kinds) or not _in(
                one.row.get("source") or "end_user", self._select.sources
            ):
                self._leave([one.row], "not_selected")
            else:
                counted.append(one.row)
        return sorted(counted, key=lambda row: (row["given_ns"], row["feedback_id"], row.get("item") or 0))

    def _noticed(self, name: CallKey) -> list[Row]:
        counted: list[Row] = []
        for row in self._signals.get(name, ()):
            reason = self._against(row)
            if reason is None:
                counted.append(row)
            else:
                self._leave([row], reason)
        return sorted(counted, key=lambda row: (row["found_ns"], row["signal_id"]))

    def _against(self, row: Row) -> str | None:
        """Why a signal is no evidence."""
        if row.get("provenance") == "llm":
            return "opinion"
        if not _in(row["kind"], self._select.signal_kinds):
            return "not_selected"
        if not row["is_shown"]:
            return "call_not_closed"
        return "superseded" if self._is_superseded(row) else None

    def _is_superseded(self, row: Row) -> bool:
        """Whether the showing call was put elsewhere after the signal was found."""
        link = self._rows.links.get(shown_by(row))
        if link is None or link["found_ns"] <= row["found_ns"]:
            return False
        evidence = json.loads(link["evidence_json"])
        return key(row).request_id not in {evidence.get("parent"), evidence.get("sibling")}

    def _corrections(self, feedback: Iterable[Row]) -> list[Replacement]:
        made: list[Replacement] = []
        for row in feedback:
            if row["kind"] == "correction" and not row["session_id"]:
                try:
                    made.append(Replacement("feedback", row["feedback_id"], given_answer(row["value_json"])))
                except UnfitError as error:
                    self._leave([row], error.reason)
        return made

    def _edits(self, told: Exchange, signals: Iterable[Row]) -> list[Replacement]:
        made: list[Replacement] = []
        for row in signals:
            if row["kind"] == "assistant_edit":
                resent = exchange(self._rows.edits[shown_by(row)], self._rows.messages, answered=False)
                after = resent if isinstance(resent, str) else edited_answer(told.asked, resent.asked)
                if after is None or isinstance(after, str):
                    self._leave([row], after or "edit_not_found")
                else:
                    made.append(Replacement("signal", row["signal_id"], after, row["probability"], shown_by(row)))
        return made

    def _leave(self, rows: Iterable[Row], reason: str) -> None:
        for row in rows:
            fact = "feedback" if "feedback_id" in row else "signal"
            self._chunk.left_out.append(LeftOut(fact, row[f"{fact}_id"], reason))


def _known(call: Row, told: Exchange) -> Known:
    tenant = call["tenant"] or ""
    session = call["session_id"] or call["trace_id"]
    user = f"{tenant}/{call['user']}" if call["user"] else ""
    language = language_of(last_user_text(told.asked)) or "unknown"
    model = call["model_served"] or call["model"] or ""
    return Known(f"{tenant}/{session}", user, model, language, consent_tags(call))


def _in(value: str, allowed: Sequence[str]) -> bool:
    return not allowed or value in allowed
