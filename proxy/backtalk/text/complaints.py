"""Complaints without a cue word: a pasted error, the right number, "latin, not spanish", what was asked said once more.

In: an `Exchange`. Out: which rules hold, and how much each weighs. The rules that need words are English; errors,
numbers and names of languages are not. The weights are set by hand.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from backtalk.text.exchange import LEAD, SHORT_WORDS, Exchange
from backtalk.text.words import FUNCTION_WORDS, clipped, language_of

_ADVERBS: Final = r"(?:just |only |still |already |also |even |never |clearly |literally |always )*"
_OUTPUTS: Final = (
    "answer|code|response|reply|list|explanation|solution|example|calculation|function|script|formula|translation|"
    "summary|poem|story|math|reasoning|logic|query|regex|output|table|version|links?|program|class|method|equation|"
    "results?|proof|essay|email|letter|song|lyrics|recipe|sentences?|joke|doing|going"
)
_YOU_DID: Final = re.compile(
    LEAD
    + r"(?:(?:your|ur) (?:\w+ )?(?:"
    + _OUTPUTS
    + r")|(?:you|u) "
    + _ADVERBS
    + r"(?:said|told|gave|listed|wrote|used|"
    r"cut|stopped|started|repeated|forgot|missed|skipped|made|put|changed|removed|left|answered|didnt|did not|havent|"
    r"have not|never|keep|kept|mixed|confused|included|added|mentioned|deleted|dropped|ended|switched|translated|"
    r"counted|calculated|assumed|misread|misspelled|claimed|should have|could have|can do better|"
    r"(?:are|re|were) (?:not|still|just|supposed|wrong|mistaken|repeating|missing|ignoring|confusing)))\b"
)
_FAILS: Final = re.compile(
    LEAD + r"(?:it|this|that|they|these|those|nothing|none of \w+|(?:(?:the|your|my|same|all)(?: [\w-]+){1,4}?)) ?"
    r"(?:doesnt|does not|dont|do not|didnt|did not|isnt|is not|arent|are not|wasnt|wont|will not|cant|cannot|no longer|"
    r"never|only|just|still|fails?|failed|crash\w*|freezes|prints|returns|gives|shows|throws|breaks|happen\w*|has no|"
    r"installs)\b"
)
_ERROR: Final = re.compile(
    r"traceback \(most recent|\b\w*(?:error|exception)\b ?[:\]]|^error\b|segmentation fault|undefined reference|"
    r"command not found|no such file or directory|npm err!|^fatal:|\bstack trace\b|\bexit (?:code|status) [1-9]|"
    r"unknown (?:option|predicate|argument|command)"
)
_NOT: Final = re.compile(r"^its .{1,60},? not \S+|^(?!what|do |did )[\w ]{1,40} you mean[.?!]*$")
_X_NOT_Y: Final = re.compile(r"^[^?]{1,60}\bnot (?:an? |the |my |your |from |in |for )?([^\W_]+)[.!]*$")
_NUMBER: Final = re.compile(
    LEAD + r"(?:isnt it |its |it is |cest |das sind |es sind |son |es |i (?:get|got|count|counted) |should be |"
    r"the answer is )*[$\u20ac]?(-?\d[\d.,]*) ?%?\??$"
)
_PUSHES: Final = re.compile(r"^(?:yes|its|it is|but|you|just|no|come on|this is|there is|theres|we|my|i|im|dont)\b")
_WHY_NOT: Final = re.compile(r"^(?:but )?why (?:not|cant|wont|dont)\b")
_WHERE: Final = re.compile(r"^(?:but |and )?where(?:s| is| are| was| were) (?:the |my |all |all the )?(\w+)\??$")
_LANGUAGE: Final = re.compile(
    "\u4e2d\u6587|\u6c49\u8bed|\u65e5\u672c\u8a9e|\ud55c\uad6d\uc5b4|\u0440\u0443\u0441\u0441\u043a|\u0443\u043a\u0440\u0430\u0457\u043d\u0441"
    "|\\b(?:deutsch|espa\u00f1ol|fran\u00e7ais|italiano|portugu\u00eas|polsku|t\u00fcrk\u00e7e|nederlands|svenska|english)\\b"
)
_LANGUAGE_CHARS: Final = 40
NO_DENIAL: Final = re.compile(
    r"^no,? (?:preference|problem|worries|need|matter|one|idea|more|rush"
    r"|(?:its|thats|it is|that is) (?:fine|ok|okay|alright|good|great|perfect|right|correct))\b"
)
"""A text that opens with a no and denies nothing."""
DECLINES: Final = 0.76
_FRESH: Final = frozenset(
    {
        "more",
        "another",
        "other",
        "others",
        "else",
        "next",
        "again",
        "also",
        "and",
        "too",
        "about",
        "this",
        "that",
        "fine",
    }
    | {"do", "ok", "okay", "good", "is", "are"}
)
"""Words by which the old words ask for something new, or agree."""


class Rule(NamedTuple):
    """One thing that speaks for a correction."""

    name: str
    weight: float
    holds: Callable[[Exchange], bool]


def declines(exchange: Exchange) -> bool:
    """Whether it is a no to what a failing answer offered instead."""
    if not exchange.undelivered or exchange.wishes_to_help or NO_DENIAL.match(exchange.plain):
        return False
    return exchange.denies and len(exchange.words) <= SHORT_WORDS


def _you_did(exchange: Exchange) -> bool:
    return exchange.tells() and _YOU_DID.search(exchange.plain) is not None


def _fails(exchange: Exchange) -> bool:
    return exchange.tells(40) and _FAILS.match(exchange.plain) is not None and exchange.has_code


def _error(exchange: Exchange) -> bool:
    return _ERROR.search(exchange.plain) is not None and exchange.has_code


def _pushes(exchange: Exchange) -> bool:
    """The model refused, and the person does not take it."""
    if "refusal" not in exchange.undelivered:
        return False
    return _WHY_NOT.match(exchange.plain) is not None or (exchange.tells(15) and bool(_PUSHES.match(exchange.plain)))


def _not_this(exchange: Exchange) -> bool:
    """This, and not what the answer has."""
    if len(exchange.words) > SHORT_WORDS:
        return False
    if _NOT.match(exchange.plain):
        return True
    found = _X_NOT_Y.match(exchange.plain) if len(exchange.words) <= 10 and not exchange.asks else None
    return found is not None and found.group(1) in exchange.answer_words


def _reminds(exchange: Exchange) -> bool:
    """Some words of the question, said once more."""
    if not exchange.tells(6) or exchange.asks:
        return False
    said = set(exchange.words) - FUNCTION_WORDS
    old = bool(said) and said <= exchange.asked_words and not _FRESH & set(exchange.words)
    return old and len(exchange.asked_words) > 5


def _misses(exchange: Exchange) -> bool:
    """Where is what was asked for? It is not in the answer."""
    found = _WHERE.match(exchange.plain)
    return found is not None and found.group(1) in exchange.asked_words - exchange.answer_words - FUNCTION_WORDS


def _in_language(exchange: Exchange) -> bool:
    """The answer is not in the language of the question, and the person asks for it by name."""
    if len(exchange.plain) > _LANGUAGE_CHARS or not _LANGUAGE.search(exchange.plain):
        return False
    asked, answered = language_of(clipped(exchange.asked)), language_of(clipped(exchange.answer))
    return asked is not None and asked != answered


def _other_number(exchange: Exchange) -> bool:
    """Another number than the answer's."""
    found = _NUMBER.match(exchange.plain) if len(exchange.words) <= 8 and not exchange.asks else None
    if found is None:
        return False
    number, answer = found.group(1).rstrip(".,"), clipped(exchange.answer)
    return any(char.isdigit() for char in answer) and number not in answer + clipped(exchange.asked)


COMPLAINTS: Final[Sequence[Rule]] = (
    Rule("error_pasted", 0.78, _error),
    Rule("you_did", 0.76, _you_did),
    Rule("output_fails", 0.76, _fails),
    Rule("declines", DECLINES, declines),
    Rule("pushes", 0.55, _pushes),
    Rule("not_this", 0.78, _not_this),
    Rule("reminds", 0.55, _reminds),
    Rule("misses", 0.6, _misses),
    Rule("in_language", 0.76, _in_language),
    Rule("other_number", 0.76, _other_number),
)
"""The rules and their weights."""
