"""Preference pairs out of what was selected: pure.

In: corrections and edits with their calls. Out: rows in TRL's preference format, each with the facts that made it. The
rejected answer is what the model said; the chosen one is what a person said it should have been, or what the app made
of it before it went on with the conversation.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from backtalk.datasets.select import Correction, Edit, Exchange, LeftOut, Selection
from backtalk.datasets.trl import UnfitError, answer, conversation, given_answer, tools
from backtalk.model.chat import Message
from backtalk.model.ids import CallKey

_INSTRUCTIONS: Final = frozenset(("system", "developer"))


class Pair(NamedTuple):
    """One row, and every fact that made it; equal rows are one, with the facts of all."""

    line: str
    feedback_ids: tuple[str, ...]
    signal_ids: tuple[str, ...]
    calls: tuple[CallKey, ...]


class Pairs(NamedTuple):
    """All pairs in the order of their first fact, and what was left out."""

    pairs: tuple[Pair, ...]
    left_out: tuple[LeftOut, ...]


def pairs(selection: Selection) -> Pairs:
    """Make the pairs of a selection; the order is that of time, then of id, so it is always the same."""
    made: list[Pair] = []
    left_out = list(selection.left_out)
    sources: list[Correction | Edit] = [*selection.corrections, *selection.edits]
    for source in sorted(sources, key=_time_and_id):
        try:
            made.append(_of_correction(source) if isinstance(source, Correction) else _of_edit(source))
        except UnfitError as error:
            left_out.append(_unfit(source, error.reason))
    return Pairs(_merged(made), tuple(sorted(left_out)))


def _of_correction(correction: Correction) -> Pair:
    chosen = given_answer(correction.value_json)
    line = _line(correction.exchange, chosen)
    return Pair(line, (correction.feedback_id,), (), (correction.exchange.key,))


def _of_edit(edit: Edit) -> Pair:
    line = _line(edit.exchange, edited_answer(edit.exchange.asked, edit.resent.asked))
    return Pair(line, (), (edit.signal_id,), (edit.exchange.key, edit.resent.key))


def edited_answer(asked: Sequence[Message], resent: Sequence[Message]) -> Message:
    """The answer as the app resent it: what stands behind the earlier conversation, instructions left aside."""
    before = [message for message in asked if message.role not in _INSTRUCTIONS]
    after = [message for message in resent if message.role not in _INSTRUCTIONS]
    if len(after) <= len(before) or after[len(before)].role != "assistant":
        raise UnfitError("edit_not_found")
    return after[len(before)]


def _line(exchange: Exchange, chosen: Message) -> str:
    if len(exchange.answers) != 1:
        raise UnfitError("several_choices" if exchange.answers else "answer_empty")
    prompt = conversation(exchange.asked)
    preferred, rejected = answer(chosen), answer(exchange.answers[0])
    if preferred == rejected:
        raise UnfitError("nothing_changed")
    row = {"prompt": prompt, "chosen": [preferred], "rejected": [rejected]} | tools(exchange.tools_json)
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def _time_and_id(source: Correction | Edit) -> tuple[int, str]:
    return source[1], source[0]


def _unfit(source: Correction | Edit, reason: str) -> LeftOut:
    return LeftOut("feedback" if isinstance(source, Correction) else "signal", source[0], reason)


def _merged(ordered: Iterable[Pair]) -> tuple[Pair, ...]:
    """Equal rows as one."""
    found: dict[str, Pair] = {}
    for pair in ordered:
        first = found.get(pair.line)
        found[pair.line] = pair if first is None else _union(first, pair)
    return tuple(found.values())


def _union(first: Pair, second: Pair) -> Pair:
    def both(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(dict.fromkeys((*a, *b)))

    return Pair(
        first.line,
        both(first.feedback_ids, second.feedback_ids),
        both(first.signal_ids, second.signal_ids),
        both(first.calls, second.calls),
    )
