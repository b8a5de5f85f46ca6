"""How likely a turn says that the answer served: thanks, praise, agreement, or that nothing else is wanted.

In: an `Exchange`. Out: a probability. The weights are set by hand. Thanks at the end of a request are manners.
"""

import re
from typing import Final

from backtalk.text.cues import Cue
from backtalk.text.exchange import Exchange

_PRAISE: Final = re.compile(
    r"^(?:[\w ,]{0,40} )?(?:is|are|was|sounds?|seems?|looks?|(?:would|will|should) be|works?) (?:very |really |so |a )?"
    r"(?:good|great|fine|nice|perfect|wonderful|lovely|excellent|cool|ideal|alright|amazing|awesome|beautiful)\b"
    r"|^(?:[\w ,]{0,20} )?i (?:really |actually |quite )?(?:like|love) (?:it|this|that|the sound)\b"
)
_PRAISE_WORDS: Final = 12
_LAUGHTER: Final = re.compile(r"^(?:(?:ha|he|ja){2,}h?|lo+l|lmf?ao+|rofl|哈{2,}|呵{2,}|笑+|w{3,})\b")
_CLOSES: Final = re.compile(
    r"\b(?:that|this|it) ?(?:(?:ll|will|would|should|d) be|s|is|was) (?:all|it|everything)\b"
    r"|\bnothing (?:else|more)\b|\b(?:im|i am) (?:all set|good|done)\b|\bdont need anything\b"
)
_CLOSING_WORDS: Final = 16
_GREETING: Final = ("good morning", "good evening", "good afternoon", "good night", "nice to meet")
_REQUEST: Final = re.compile(
    r"^(?:(?:yes|ok|okay|and|hi|hello|sure|actually)[, ]+)*(?:i (?:need|want|would|will|d|ll|am|also)|id|ill|can|could|"
    r"please|write|give|make|tell|show|find|create|explain|translate|help|what|how|which|where|when|who)\b"
)
_LONG_WORDS: Final = 60


def closes(exchange: Exchange) -> bool:
    """Whether the person wants nothing else: said so, or denied when asked."""
    brief = len(exchange.words) <= _CLOSING_WORDS
    if brief and _CLOSES.search(exchange.plain) and not exchange.questions:
        return True
    return exchange.wishes_to_help and exchange.denies and len(exchange.words) <= 4


def acceptance(exchange: Exchange) -> float:
    """The probability that the turn accepts the answer."""
    plain, size = exchange.plain, len(exchange.words)
    praised = size <= _PRAISE_WORDS and not exchange.questions and _PRAISE.match(plain)
    best = 0.75 if praised else 0.6 if closes(exchange) or _LAUGHTER.match(plain) else 0.0
    if plain.startswith(_GREETING) or exchange.greets:
        return 0.3 * best
    manners = _REQUEST.match(plain) is not None
    for cue in exchange.cues:
        best = max(best, _weight(cue, size, asks=exchange.asks, manners=manners))
    return best * (0.6 if size > _LONG_WORDS else 1.0)


def _weight(cue: Cue, size: int, *, asks: bool, manners: bool) -> float:
    if cue.kind == "acceptance":
        return 0.85 if cue.opens else 0.4 if manners else 0.85 if size <= 20 else 0.6
    if cue.kind == "content":
        return 0.35 if asks else 0.6
    return 0.0
