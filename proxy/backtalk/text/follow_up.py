"""What a follow-up turn says of the answer before it: that it was wrong, that it served, or nothing.

In: the earlier question, the answer, the new text, and the questions before. Out: `FollowUp`, a probability for each
kind, and the rules that fired. The weights are set by hand from how people talk, for no openly licensed set of real
turns is large enough to fit them; a deployment's feedback calibrates what comes out.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from backtalk.text.acceptance import acceptance
from backtalk.text.correction import correction
from backtalk.text.exchange import Exchange
from backtalk.text.frames import is_template, swaps_a_word
from backtalk.text.pair import CHARS, is_same
from backtalk.text.pair_model import MODEL, Embed, PairModel, Provenance, Score
from backtalk.text.platt import log_odds, logistic
from backtalk.text.words import clipped, is_unspaced, normal, words

LOOK_BACK: Final = 3
"""Most earlier questions that the new text is compared with."""
_SHORT_CHARS: Final = 12
_NEXT_TURN: Final = -0.8
"""Log-odds between an edit, on which the pair model was fitted, and a next turn, where another question is usual."""
_AFTER_FAILURE: Final = 0.6
_AFTER_QUESTION: Final = -0.5
_SWAPPED: Final = -2.5
_UNSPACED: Final = -0.5
_LATER: Final = -0.5
"""A question before the last one is said again less often."""
_EXACT: Final = 0.6
_UNSURE: Final = 0.2
"""The embedding is asked where words leave more than this of doubt."""
_TOLD: Final = 0.5
"""A turn that is likely of another kind is worth no embedding."""
_FRAMES: Final = 2
_FRAMES_BACK: Final = 8
_ALTERNATIVE: Final = frozenset(
    ["else", "other", "another", "instead", "different", "alternative", "alternatives", "others"]
)


class _Scorer(NamedTuple):
    pairs: PairModel
    embed: Embed | None


class FollowUp(NamedTuple):
    """Probabilities that a turn is of a kind; they need not sum to one."""

    correction: float
    reformulation: float
    acceptance: float
    clarification: float
    escalation: float
    rules: tuple[str, ...]
    provenance: Provenance
    repeats: bool
    """Whether it is an earlier question to the letter."""


def follow_up(
    asked: str,
    answer: str,
    text: str,
    before: Sequence[str] = (),
    embed: Embed | None = None,
    pairs: PairModel = MODEL,
) -> FollowUp:
    """Judge a turn; `before` are the questions before `asked`, oldest first."""
    exchange = Exchange(asked, answer, text)
    if "more" in exchange.kinds:
        return FollowUp(0.0, 0.0, 0.0, 0.0, 0.0, ("more",), "lexical", repeats=False)
    corrects, fired = correction(exchange)
    accepts = acceptance(exchange) * (1 - corrects)
    asked_for = embed if max(corrects, accepts) < _TOLD else None
    again, rule = _again(exchange, _compared(asked, before), before, _Scorer(pairs, asked_for))
    found = sorted({f"{cue.kind}:{cue.phrase}" for cue in exchange.cues})
    return FollowUp(
        correction=corrects,
        reformulation=again.probability * (1 - 0.7 * accepts),
        acceptance=accepts,
        clarification=0.7 if "clarification" in exchange.kinds else 0.0,
        escalation=0.8 if "escalation" in exchange.kinds else 0.0,
        rules=(*found, *fired, *([rule] if rule else [])),
        provenance=again.provenance,
        repeats=rule == "exact_repeat",
    )


def dissatisfaction(turn: FollowUp, answer: str, text: str) -> float:
    """How likely the person was not satisfied with the answer; a ranking, not calibrated."""
    about = Exchange("", answer, text).undelivered
    score = -2.4 + 1.6 * turn.correction + 1.4 * turn.reformulation - 1.4 * turn.acceptance + turn.escalation
    score += 1.3 * ("failure" in about) + 0.8 * ("apology" in about) + 0.8 * ("refusal" in about)
    score += 0.7 * bool(_ALTERNATIVE & set(words(normal(clipped(text))))) + 0.5 * turn.clarification
    return logistic(score)


def _compared(asked: str, before: Sequence[str]) -> tuple[str, ...]:
    """The questions a turn is compared with, the last one first."""
    return (asked, *reversed(before[1 - LOOK_BACK :])) if before else (asked,)


def _again(exchange: Exchange, earlier: Sequence[str], before: Sequence[str], scorer: _Scorer) -> tuple[Score, str]:
    """How likely an earlier question is asked again."""
    text = exchange.text
    if len(exchange.plain) < _SHORT_CHARS and not is_same(earlier[0], text):
        return Score(0.0, "lexical"), ""
    if sum(is_template(question, text) for question in (*before[-_FRAMES_BACK:], earlier[0])) >= _FRAMES:
        return Score(0.0, "lexical"), "template"
    if any(is_same(question, text) for question in earlier):
        return Score(_EXACT, "lexical"), "exact_repeat"
    best = Score(0.0, "lexical")
    for place, question in enumerate(earlier):
        if place and not _shares_words(question, text):
            continue
        pair = scorer.pairs.compare(question, text, scorer.embed, _UNSURE)
        shift = _NEXT_TURN + (_LATER if place else _after(exchange)) + _kind(question, text)
        best = max(best, Score(logistic(log_odds(pair.probability) + shift), pair.provenance))
    return best, "reworded" if best.probability >= 0.5 else ""


def _after(exchange: Exchange) -> float:
    """Log-odds that the answer adds: one that failed is asked again, one that asks gets its words back."""
    if exchange.undelivered:
        return _AFTER_FAILURE
    return _AFTER_QUESTION if exchange.asks else 0.0


def _kind(question: str, text: str) -> float:
    """Log-odds that the two texts add: another thing in the same frame, or a script that little was learned from."""
    if swaps_a_word(question, text):
        return _SWAPPED
    return _UNSPACED if is_unspaced(text) else 0.0


def _shares_words(question: str, text: str) -> bool:
    """Whether it is worth comparing closely: a rewording keeps a third of the shorter text's words."""
    old, new = set(words(normal(question[:CHARS]))), set(words(normal(text[:CHARS])))
    return 3 * len(old & new) >= min(len(old), len(new))
