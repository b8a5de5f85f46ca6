"""Statements about the answer: people correct without saying that they do ("kangaroos don't lay eggs").

In: an `Exchange`. Out: whether the turn is such a statement. Who speaks of themselves, or asks, does not correct.
"""

import re
from typing import Final

from backtalk.text.cues import LEXICON
from backtalk.text.exchange import LEAD, Exchange
from backtalk.text.words import FUNCTION_WORDS

_FAILING: Final = re.compile(
    LEAD
    + r"(?:it|this|that|these|those|they|there) ?(?:still |just |also )?(?:doesnt|does not|dont|do not|didnt|did not|"
    r"wont|will not|cant|cannot|no longer|only|is no|are no|are not|arent|has no|have no)\b"
)
_PLURAL: Final = re.compile(
    LEAD + r"(?:(?:those|these|they) (?:are|were)|(?:thats|that is|that was) (?:only|just|too|for))\b"
)
_STATEMENT: Final = re.compile(
    LEAD + r"(?:it|that|this|there|the [\w -]{2,30}|he|she|they|its|theres|[\w-]{3,20})(?:s|re)? ?"
    r"(?:is|are|was|were|has|have|had|should|isnt|arent|wasnt|dont|doesnt|didnt|cant|not|only|closer|lost|won|died|left|"
    r"stepped|came|made)\b"
)
_SUBJECT: Final = re.compile(LEAD + r"(?:the|all|some of the|all the) ([^\W_]{3,})\b")
_ASKING: Final = frozenset(["which", "what", "who", "whom", "whose", "when", "where", "why", "how", "any"])
_POINTING: Final = frozenset(["it", "its", "that", "thats", "this", "there", "theres", "they", "but", "no"])
_FIRST_PERSON: Final = frozenset(["i", "im", "my", "me", "we", "our", "id", "ill", "ive", "mine"])
_STEM: Final = 5
_BRIEF_ANSWER: Final = 40
_BRIEF_WORDS: Final = 8


def contradicts(exchange: Exchange) -> bool:
    """Whether the turn states something of the answer or of what was asked for."""
    if exchange.asks or not exchange.tells() or (_FIRST_PERSON | _ASKING) & set(exchange.words):
        return False
    if _PLURAL.match(exchange.plain) or _FAILING.match(exchange.plain) or _remarks(exchange):
        return True
    points = exchange.words[0] in _POINTING or len(exchange.answer_words) <= _BRIEF_ANSWER
    if not points or exchange.words[0] in LEXICON.tasks or not _STATEMENT.match(exchange.plain):
        return False
    content = {word for word in exchange.words if len(word) > 3 and word not in FUNCTION_WORDS}
    return bool(_stems(content) & _stems(exchange.answer_words)) or any(char.isdigit() for char in exchange.plain)


def _remarks(exchange: Exchange) -> bool:
    """A brief remark on a thing that was asked for."""
    found = _SUBJECT.match(exchange.plain)
    brief = len(exchange.words) <= _BRIEF_WORDS
    return found is not None and brief and found.group(1)[:_STEM] in _stems(exchange.asked_words)


def _stems(found: frozenset[str] | set[str]) -> set[str]:
    return {word[:_STEM] for word in found}
