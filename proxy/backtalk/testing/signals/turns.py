"""Follow-up turns and ratings: each row is judged as the detectors judge it, and compared with its label.

In: `followup*.jsonl` and `satisfaction.jsonl`. Out: judged rows. A verbatim repeat is neither right nor wrong as a
negative signal (people reload pages), so such rows count for their own class alone.
"""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from backtalk.testing.signals.pairs import Models
from backtalk.text.follow_up import FollowUp, dissatisfaction, follow_up
from backtalk.text.pair_model import Embed, PairModel

LIKELY: Final = 0.5
PRECISE: Final = 0.75
CLASSES: Final = ("reformulation", "correction_complaint", "acceptance", "verbatim_repeat", "continuation")
NEGATIVE: Final = frozenset({"reformulation", "correction_complaint"})
FEEDBACK: Final = NEGATIVE | {"acceptance"}


class Judged(NamedTuple):
    """A row and what was made of it."""

    file: str
    source: str
    text: str
    label: str
    turn: FollowUp
    dissatisfied: float


def judge(paths: Iterable[Path], chosen: Models, embed: Embed | None) -> tuple[list[Judged], float]:
    """Judge every row that some model has not seen; also the CPU seconds that judging took, loading apart."""
    lines = [(path.stem, json.loads(line)) for path in paths for line in path.read_text("utf-8").splitlines()]
    found = [(file, row, chosen.model(row["prev_user"], row["user"])) for file, row in lines]
    rows = [(file, row, model) for file, row, model in found if model is not None]
    if rows:
        _judged(*rows[0], embed)
    start_s = time.process_time()
    judged = [_judged(file, row, model, embed) for file, row, model in rows]
    return judged, time.process_time() - start_s


def decided(turn: FollowUp, threshold: float = LIKELY) -> str:
    """The class of a turn: a correction before a reformulation before an acceptance."""
    if turn.correction >= threshold:
        return "correction_complaint"
    if turn.repeats:
        return "verbatim_repeat"
    if turn.reformulation >= threshold:
        return "reformulation"
    return "acceptance" if turn.acceptance >= threshold else "continuation"


def is_negative(judged: Judged, threshold: float = LIKELY) -> bool:
    """Whether the turn says that the answer did not serve; a repeat to the letter does where nothing else is known."""
    return decided(judged.turn, threshold) in NEGATIVE or (judged.turn.repeats and threshold <= LIKELY)


def _judged(file: str, row: dict[str, Any], model: PairModel, embed: Embed | None) -> Judged:
    asked, answer, text = row["prev_user"], row["assistant"] or "", row["user"]
    before = _before(row.get("history"), asked)
    turn = follow_up(asked, answer, text, before, embed, model)
    return Judged(file, row.get("source", ""), text, row["label"], turn, dissatisfaction(turn, answer, text))


def _before(history: Any, asked: str) -> tuple[str, ...]:
    """The user's texts of a history, however it is written down, without the last question."""
    said: list[str] = []
    turns = cast("list[object]", history) if isinstance(history, list) else []
    for place, turn in enumerate(turns):
        if isinstance(turn, str):
            said += [turn] if place % 2 == 0 else []
        elif isinstance(turn, dict):
            fields = cast("dict[str, object]", turn)
            text = next((fields[name] for name in ("content", "text", "user") if name in fields), "")
            said += [str(text)] if fields.get("role", "user") == "user" else []
        elif isinstance(turn, list) and turn:
            said.append(str(cast("list[object]", turn)[0]))
    return tuple(text for text in said if text != asked)
