"""An exchange, read once: what was asked, what was answered, what came next, and what matters of each.

In: three texts. Out: `Exchange`, the input of the judgements about a turn. Quoted words, code and what follows a colon
are not what the person says, so cues are looked for outside of them. Long texts count to their cap.
"""

import re
from functools import cached_property
from typing import Final

import msgspec

from backtalk.text.cues import LEXICON, Cue, CueKind, cues
from backtalk.text.words import clipped, normal, words

SHORT_WORDS: Final = 25
"""Up to so many words a turn is about what it begins with."""
LEAD: Final = (
    r"(?:^|[.,;!] )(?:(?:but|no|nope|and|so|now|ok|okay|yes|lol|wait|hmm|hey|um|sorry|still|well|actually|then)[, ]+)*"
)
"""What may stand before a remark: the beginning of a clause, and words that only open it."""
_UNDELIVERED: Final = frozenset[CueKind]({"failure", "refusal", "apology"})
_GREETING_WORDS: Final = 30
_ENDING_CHARS: Final = 300
_QUOTED: Final = re.compile(
    r"```[^`]*(?:```|$)|\u201c[^\u201d\n]{6,}\u201d|\"[^\"\n]{6,}\"|(?<!\w)'[^'\n]{12,}'(?!\w)"
    r"|(?<=\w): +\S+ +\S+ +[^\n]*|\u00ab[^\u00bb\n]{6,}\u00bb|\u300c[^\u300d\n]{4,}\u300d"
)
_APOSTROPHES: Final = re.compile(r"['\u2019`\u00b4]")
_CODE: Final = re.compile(
    r"```|`[^`\n]{2,80}`|\b(?:def|import|const|var|class|return|echo) [\w({]|#include|\bselect\b.{1,200}\bfrom\b"
    r"|\b(?:pip|npm|apt|brew|conda|yarn) install\b|\bsudo \w|</\w+>|[\w\])]\(.{0,80}\);|\w\(\w*\) ?\{",
    re.IGNORECASE,
)
_OFFERS_HELP: Final = re.compile(r"\b(?:how|what) (?:can|may|could|might) (?:i|we) (?:help|assist|do for|be of)\b")
_INVITES: Final = re.compile(r"\b(?:please (?:confirm|provide|share|specify|tell)|tell me (?:more|what|which|about))\b")
_MORE_WISHES: Final = re.compile(r"\b(?:else|further|anymore|assistance|(?:any|some) (?:other|more|additional))\b")


class Exchange(msgspec.Struct, frozen=True, dict=True):
    """A question, its answer and the turn that followed."""

    asked: str
    answer: str
    text: str

    @cached_property
    def plain(self) -> str:
        """The turn as rules read it: one line, case-folded, without apostrophes."""
        return _APOSTROPHES.sub("", normal(clipped(self.text)))

    @cached_property
    def words(self) -> list[str]:
        """The turn's words."""
        return words(self.plain)

    @cached_property
    def asked_words(self) -> frozenset[str]:
        """The distinct words of the question."""
        return frozenset(words(normal(clipped(self.asked))))

    @cached_property
    def answer_words(self) -> frozenset[str]:
        """The distinct words of the answer."""
        return frozenset(words(normal(clipped(self.answer))))

    @cached_property
    def cues(self) -> tuple[Cue, ...]:
        """The turn's cues, outside of what it quotes."""
        return cues(_QUOTED.sub(" ", clipped(self.text)))

    @cached_property
    def kinds(self) -> frozenset[CueKind]:
        """The kinds of those cues."""
        return frozenset(cue.kind for cue in self.cues)

    @cached_property
    def undelivered(self) -> frozenset[CueKind]:
        """How the answer says that it does not deliver; an empty answer fails."""
        if not self.answer:
            return frozenset[CueKind]({"failure"})
        return _UNDELIVERED & {cue.kind for cue in cues(self.answer)}

    @cached_property
    def ending(self) -> str:
        """The answer's last words, case-folded."""
        return self.answer[-_ENDING_CHARS:].strip().casefold()

    @cached_property
    def asks(self) -> bool:
        """Whether the answer ends with a question or asks for something."""
        return self.ending.endswith(("?", "\uff1f", "\u061f")) or _INVITES.search(self.ending) is not None

    @cached_property
    def wishes_to_help(self) -> bool:
        """Whether the answer closes with "anything else?"."""
        return self.asks and _MORE_WISHES.search(self.ending[-120:]) is not None

    @cached_property
    def greets(self) -> bool:
        """Whether the answer only offers help: there is nothing yet to complain about."""
        brief = len(self.answer_words) <= _GREETING_WORDS
        return brief and not self.undelivered and _OFFERS_HELP.search(self.ending) is not None

    @cached_property
    def has_code(self) -> bool:
        """Whether the answer gives code or commands."""
        return _CODE.search(clipped(self.answer)) is not None

    @cached_property
    def questions(self) -> bool:
        """Whether the turn ends as a question."""
        return self.plain.endswith(("?", "\uff1f", "\u061f"))

    @cached_property
    def denies(self) -> bool:
        """Whether the turn opens with a no."""
        return bool(self.words) and any(word in LEXICON.denials or word == "nah" for word in self.words[:2])

    def tells(self, most: int = SHORT_WORDS) -> bool:
        """Whether the turn is a statement of at most so many words, and no praise."""
        praised = bool(self.kinds & {"acceptance", "content"})
        return 0 < len(self.words) <= most and not self.questions and not praised
