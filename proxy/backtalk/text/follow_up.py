"""What a follow-up turn says of the answer before it: that it was wrong, that it served, or nothing.

In: the earlier question, the answer, the new text, and the questions before. Out: `FollowUp`, a probability for each
kind, and the rules that fired. The weights are set by hand from how people talk, for no openly licensed set of real
turns is large enough to fit them; a deployment's feedback calibrates what comes out.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from backtalk.text.cues import LEXICON, Cue, CueKind, cues
from backtalk.text.pair import is_same
from backtalk.text.pair_model import MODEL, Embed, PairModel, Provenance, Score
from backtalk.text.platt import log_odds, logistic
from backtalk.text.words import normal, words

LOOK_BACK: Final = 3
"""Most earlier questions that the new text is compared with."""
_SHORT_CHARS: Final = 12
_TEMPLATE_CHARS: Final = 30
_TEMPLATE_SHARE: Final = 0.3
_NEXT_TURN: Final = -0.8
"""Log-odds between an edit, on which the pair model was fitted, and a next turn, where another question is usual."""
_AFTER_FAILURE: Final = 0.6
_LATER: Final = -0.5
"""A question before the last one is said again less often."""
_EXACT: Final = 0.6
_UNSURE: Final = 0.2
"""The embedding is asked where words leave more than this of doubt."""
_FRAMES: Final = 2
_UNDELIVERED: Final = frozenset[CueKind]({"failure", "refusal", "apology"})
_PRAISE: Final = re.compile(
    r"^(?:[\w' ]{0,40} )?(?:is|are|was|sounds?|seems?|looks?|would be|works?) (?:very |really |so |a )?"
    r"(?:good|great|fine|nice|perfect|wonderful|lovely|excellent|cool|ideal|alright|amazing|awesome)\b"
)
_PRAISE_WORDS: Final = 12
_NO_DENIAL: Final = re.compile(r"^no (?:preference|problem|worries|need|thanks|thank|matter|one|idea|more|rush)\b")
_LONG_WORDS: Final = 60
_STATEMENT: Final = re.compile(
    r"^(?:but |actually |no |well )?(?:it|that|this|there|the [\w' -]{2,30}|he|she|they|its|theres)(?:'s|'re)? "
    r"?(?:is|are|was|were|has|have|should|isn't|aren't|wasn't|not|only|closer)\b"
)
_NOT: Final = re.compile(r"^it'?s .{1,60},? not \S+")
_STATEMENT_WORDS: Final = 25
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
    found = cues(text)
    kinds = {cue.kind for cue in found}
    if "more" in kinds:
        return FollowUp(0.0, 0.0, 0.0, 0.0, 0.0, ("more",), "lexical", repeats=False)
    about = _about_answer(answer)
    earlier = _compared(asked, before)
    again, rule = _again(earlier, text, before, _Scorer(pairs, embed), failed=bool(about & _UNDELIVERED))
    correction = _correction(text, answer, asked, found)
    acceptance = _acceptance(text, answer, found) * (1 - correction)
    return FollowUp(
        correction=correction,
        reformulation=again.probability * (1 - 0.7 * acceptance),
        acceptance=acceptance,
        clarification=0.7 if "clarification" in kinds else 0.0,
        escalation=0.8 if "escalation" in kinds else 0.0,
        rules=(*sorted({f"{cue.kind}:{cue.phrase}" for cue in found}), *([rule] if rule else [])),
        provenance=again.provenance,
        repeats=rule == "exact_repeat",
    )


def dissatisfaction(turn: FollowUp, answer: str, text: str) -> float:
    """How likely the person was not satisfied with the answer; a ranking, not calibrated."""
    about = _about_answer(answer)
    score = -2.4 + 1.6 * turn.correction + 1.4 * turn.reformulation - 1.4 * turn.acceptance + turn.escalation
    score += 1.3 * ("failure" in about) + 0.8 * ("apology" in about) + 0.8 * ("refusal" in about)
    score += 0.7 * bool(_ALTERNATIVE & set(words(normal(text)))) + 0.5 * turn.clarification
    return logistic(score)


def is_template(one: str, other: str) -> bool:
    """Whether two long texts share a frame around different payloads, as an app or a form builds them."""
    a, b = normal(one), normal(other)
    needed = max(_TEMPLATE_CHARS, int(_TEMPLATE_SHARE * min(len(a), len(b))))
    if min(len(a), len(b)) < needed or a == b:
        return False
    return a[:needed] == b[:needed] or a[-needed:] == b[-needed:]


def _about_answer(answer: str) -> set[CueKind]:
    return {cue.kind for cue in cues(answer)} if answer else {"failure"}


def _compared(asked: str, before: Sequence[str]) -> tuple[str, ...]:
    """The questions a turn is compared with, the last one first."""
    return (asked, *reversed(before[1 - LOOK_BACK :])) if before else (asked,)


def _again(
    earlier: Sequence[str], text: str, before: Sequence[str], scorer: _Scorer, *, failed: bool
) -> tuple[Score, str]:
    """How likely an earlier question is asked again."""
    if len(normal(text)) < _SHORT_CHARS and not is_same(earlier[0], text):
        return Score(0.0, "lexical"), ""
    if sum(is_template(question, text) for question in (*before, earlier[0])) >= _FRAMES:
        return Score(0.0, "lexical"), "template"
    if any(is_same(question, text) for question in earlier):
        return Score(_EXACT, "lexical"), "exact_repeat"
    best = Score(0.0, "lexical")
    for place, question in enumerate(earlier):
        if place and not _shares_words(question, text):
            continue
        pair = scorer.pairs.score(question, text, scorer.embed, _UNSURE)
        shift = _NEXT_TURN + (_LATER if place else 0.0) + (_AFTER_FAILURE if failed and not place else 0.0)
        best = max(best, Score(logistic(log_odds(pair.probability) + shift), pair.provenance))
    return best, "reworded" if best.probability >= 0.5 else ""


def _shares_words(question: str, text: str) -> bool:
    """Whether it is worth comparing closely: a rewording keeps a third of the shorter text's words."""
    old, new = set(words(normal(question))), set(words(normal(text)))
    return 3 * len(old & new) >= min(len(old), len(new))


def _correction(text: str, answer: str, asked: str, found: Iterable[Cue]) -> float:
    size = len(words(normal(text)))
    asks, plain = _asks(answer), normal(text)
    ends = asks and any(cue.kind in {"acceptance", "content"} for cue in found)
    if ends or _NO_DENIAL.match(plain):
        found = [cue for cue in found if not _denies(cue)]
    doubts = 1.0
    for cue in found:
        doubts *= 1 - _weight(cue, asks=asks)
    if _NOT.match(plain):
        doubts *= 0.35
    elif size <= _STATEMENT_WORDS and not asks and _contradicts(text, answer, asked):
        doubts *= 0.5
    return min((1 - doubts) * (0.6 if size > _LONG_WORDS else 1.0), 0.95)


def _weight(cue: Cue, *, asks: bool) -> float:
    """What one cue weighs; a "no" that answers a question of the model is none."""
    if cue.kind == "correction":
        return 0.2 if asks and _denies(cue) else 0.8
    if cue.kind == "again":
        return 0.65
    if cue.kind == "doubt":
        return 0.1 if asks else 0.55 if cue.opens else 0.45
    return 0.0


def _denies(cue: Cue) -> bool:
    return cue.opens and cue.phrase.split(" ")[0] in LEXICON.denials


def _contradicts(text: str, answer: str, asked: str) -> bool:
    """A short statement about the answer's own words: people correct without saying so."""
    plain = normal(text)
    if plain.endswith("?") or not _STATEMENT.match(plain):
        return False
    content = {word for word in words(plain) if len(word) > 3}
    return bool(content & set(words(normal(answer))) - set(words(normal(asked)))) or any(c.isdigit() for c in plain)


def _acceptance(text: str, answer: str, found: Iterable[Cue]) -> float:
    plain = normal(text)
    size, asks = len(words(plain)), _asks(answer)
    praised = size <= _PRAISE_WORDS and not plain.endswith("?") and _PRAISE.match(plain)
    best = 0.75 if praised else 0.0
    if plain.startswith(("good morning", "good evening", "good afternoon", "good night", "nice to meet")):
        return best
    for cue in found:
        if cue.kind == "acceptance":
            best = max(best, 0.85 if cue.opens or size <= 20 else 0.6)
        elif cue.kind == "content":
            best = max(best, 0.35 if asks else 0.6)
    return best * (0.6 if size > _LONG_WORDS else 1.0)


def _asks(answer: str) -> bool:
    return answer.rstrip().endswith(("?", "\uff1f", "\u061f"))
