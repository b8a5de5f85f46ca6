"""How likely a turn says that the answer was wrong or not what was wanted.

In: an `Exchange`. Out: a probability and the rules that fired. Cues of the lexicon count first; `complaints` and
`contradiction` know what people say without any. The weights are set by hand.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from backtalk.text.acceptance import closes
from backtalk.text.complaints import COMPLAINTS, DECLINES, NO_DENIAL, Rule, declines
from backtalk.text.contradiction import contradicts
from backtalk.text.cues import LEXICON, Cue
from backtalk.text.exchange import SHORT_WORDS, Exchange

_BUT_ASKS: Final = re.compile(
    r"^(?:(?:and|yes|ok|okay|so|well)[, ]+)*but,? "
    r"(?:what|why|how|who|when|where|which|can|could|would|will|is|are|does|do|did|if)\b"
)
_CHANGES_MIND: Final = re.compile(r"^(?:no |oh |hm+ )?actually,? (?:i|let|lets|can|could|please|make)\b")
_LONG_WORDS: Final = 60
_BARE_WORDS: Final = 6
"""A turn that says little else than a doubt."""
RULES: Final[Sequence[Rule]] = (*COMPLAINTS, Rule("contradicts", 0.5, contradicts))
"""What speaks for a correction apart from cues."""


def correction(exchange: Exchange) -> tuple[float, tuple[str, ...]]:
    """The probability that the turn corrects the answer or complains of it, and the rules that fired."""
    if closes(exchange):
        return (DECLINES, ("declines",)) if declines(exchange) else (0.0, ("closes",))
    doubts, fired = 1.0, [rule for rule in RULES if rule.holds(exchange)]
    for cue in _counted(exchange):
        doubts *= 1 - _weight(cue, exchange)
    for rule in fired:
        doubts *= 1 - rule.weight
    long = 0.6 if len(exchange.words) > _LONG_WORDS else 1.0
    return min((1 - doubts) * long * (0.3 if exchange.greets else 1.0), 0.95), tuple(rule.name for rule in fired)


def _counted(exchange: Exchange) -> Iterator[Cue]:
    """Cues that speak of the answer: a no that answers the model, or a change of mind, does not."""
    ends = exchange.asks and bool(exchange.kinds & {"acceptance", "content"})
    no_denial = ends or NO_DENIAL.match(exchange.plain) is not None
    changes = _CHANGES_MIND.match(exchange.plain) is not None
    for cue in exchange.cues:
        if not ((no_denial and _denies(cue)) or (changes and cue.kind == "doubt")):
            yield cue


def _weight(cue: Cue, exchange: Exchange) -> float:
    """What one cue weighs; after a question of the model it may be part of the reply."""
    if cue.kind == "correction":
        if exchange.asks:
            return 0.2 if _denies(cue) else 0.8 if cue.opens else 0.45
        return 0.8
    if cue.kind == "again":
        return 0.65
    if cue.kind != "doubt":
        return 0.0
    if exchange.asks or (cue.phrase == "but" and _BUT_ASKS.match(exchange.plain)):
        return 0.1
    size = len(exchange.words)
    return 0.76 if cue.opens and size <= _BARE_WORDS else 0.55 if cue.opens and size <= SHORT_WORDS else 0.45


def _denies(cue: Cue) -> bool:
    return cue.opens and cue.phrase.split(" ")[0] in LEXICON.denials
