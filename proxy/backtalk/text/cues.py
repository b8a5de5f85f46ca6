"""Cues: phrases by which people say what they think of an answer, and models that they did not deliver.

In: a text. Out: the cues it holds, from the lexicon `cues.toml` of twenty languages. A phrase counts where people put
such things: near the beginning or the end, and not inside of a task ("explain why this is wrong").
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast

import msgspec

from backtalk.text.words import clipped, language, normal, script

CueKind = Literal[
    "correction",
    "doubt",
    "again",
    "acceptance",
    "content",
    "clarification",
    "escalation",
    "more",
    "refusal",
    "apology",
    "failure",
]
_WORD: Final = re.compile(r"[^\W_]+")
_SENTENCE: Final = re.compile(r"[.!?;\n\u3002\uff01\uff1f\u061f\u0964]+")
_APOSTROPHES: Final = re.compile(r"['\u2019`\u00b4]")
_HYPHENS: Final = re.compile(r"(?<=\w)-(?=\w)")
_AROUND: Final = " ,\u3001\uff0c\u2026~"
_WITHIN_WORDS: Final[Mapping[str, tuple[str, ...]]] = {"zh": ("han",), "ja": ("kana", "han"), "ko": ("hangul",)}
"""Languages whose cues are looked for as characters, and the scripts they are written in."""
_TELLING_WORDS: Final = 5
"""In shorter texts the phrase itself tells the language best."""
_SENTENCES: Final = 4
_SHORT_WORDS: Final = 60
_HEAD_WORDS: Final = 14
_TAIL_WORDS: Final = 8
_HEAD_CHARS: Final = 60
_TASK_CHARS: Final = 12
_SUBJECTS: Final = frozenset(["i", "we", "he", "she", "they", "to", "ll", "and"])
"""Who tries again in a story, or will: not the model."""


class Cue(NamedTuple):
    """A phrase found; `opens` where it stands at the beginning of the text."""

    kind: CueKind
    phrase: str
    language: str
    opens: bool


class _Phrase(NamedTuple):
    words: tuple[str, ...]
    mark: str
    kind: CueKind
    language: str
    shown: str


class Lexicon(msgspec.Struct, frozen=True):
    """The phrases, by their first word, and those that are looked for as characters, by script."""

    by_word: Mapping[str, tuple[_Phrase, ...]]
    by_script: Mapping[str, tuple[_Phrase, ...]]
    openers: frozenset[str]
    tasks: frozenset[str]
    tasks_within: tuple[str, ...]
    denials: frozenset[str]

    def find(self, text: str) -> tuple[Cue, ...]:
        """Every cue of a text, in no order that matters."""
        written = script(text)
        if written in self.by_script:
            return tuple(self._within(self.by_script[written], _plain(text).strip()))
        return tuple(self._among_words(_plain(text)))

    def _among_words(self, text: str) -> Iterator[Cue]:
        sentences = [found for part in _SENTENCE.split(text) if (found := _WORD.findall(part))]
        whole = [word for sentence in sentences for word in sentence]
        told = language(whole) if len(whole) >= _TELLING_WORDS else None
        for number, sentence in enumerate(_looked_at(sentences, len(whole))):
            start = self._start(sentence)
            end = start + 1 if sentence[start] in self.tasks else len(sentence)
            for place, word in enumerate(sentence[:end]):
                for phrase in self.by_word.get(word, ()):
                    narrated = phrase.kind == "again" and place > 0 and sentence[place - 1] in _SUBJECTS
                    if (
                        told in {None, phrase.language}
                        and not narrated
                        and _fits(phrase, sentence, place, start, whole)
                    ):
                        yield Cue(phrase.kind, phrase.shown, phrase.language, opens=number == 0 and place <= start)

    def _start(self, sentence: Sequence[str]) -> int:
        return next((place for place, word in enumerate(sentence[:3]) if word not in self.openers), 0)

    def _within(self, phrases: Sequence[_Phrase], text: str) -> Iterator[Cue]:
        bare, head = _SENTENCE.sub("", text).strip(_AROUND), text[:_HEAD_CHARS]
        task = head.startswith(self.tasks_within) and len(text) > _TASK_CHARS
        for phrase in phrases:
            looked = phrase.words[0]
            place = head.find(looked)
            if place < 0 or (phrase.mark == "=" and bare != looked) or (place > 0 and (task or phrase.mark == "^")):
                continue
            yield Cue(phrase.kind, phrase.shown, phrase.language, opens=place == 0)


def read_lexicon(path: Path) -> Lexicon:
    """The lexicon from its file."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    listed: dict[str, str] = content.pop("words")
    by_word: dict[str, list[_Phrase]] = {}
    by_script: dict[str, list[_Phrase]] = {}
    for name, kinds in content.items():
        for kind, phrases in kinds.items():
            for shown in phrases:
                phrase = _phrase(shown, cast("CueKind", kind), name)
                for written in _WITHIN_WORDS.get(name, ()):
                    by_script.setdefault(written, []).append(phrase)
                if name not in _WITHIN_WORDS:
                    by_word.setdefault(phrase.words[0], []).append(phrase)
    return Lexicon(
        {word: tuple(phrases) for word, phrases in by_word.items()},
        {name: tuple(phrases) for name, phrases in by_script.items()},
        openers=frozenset(listed["openers"].split()),
        tasks=frozenset(listed["tasks"].split()),
        tasks_within=tuple(listed["tasks_within"].split()),
        denials=frozenset(listed["denials"].split()),
    )


def cues(text: str) -> tuple[Cue, ...]:
    """Every cue of a text, by the lexicon that ships; a text that was just read is not read again."""
    return _remembered(clipped(text))


@lru_cache(maxsize=256)
def _remembered(text: str) -> tuple[Cue, ...]:
    return LEXICON.find(text)


def _plain(text: str) -> str:
    """Case-folded, without apostrophes and hyphens; line ends stay, for they end sentences."""
    lines = (normal(line) for line in text.splitlines())
    return _HYPHENS.sub(" ", _APOSTROPHES.sub("", "\n".join(lines)))


def _phrase(shown: str, kind: CueKind, name: str) -> _Phrase:
    mark = shown[0] if shown[0] in "^=" else ""
    plain = _plain(shown[len(mark) :])
    words = (plain,) if name in _WITHIN_WORDS else tuple(_WORD.findall(plain))
    return _Phrase(words, mark, kind, name, shown.lstrip("^="))


def _looked_at(sentences: Sequence[Sequence[str]], count: int) -> Iterator[Sequence[str]]:
    """The sentences where feedback stands: of a short text the first and last, of a long one their two ends."""
    if count <= _SHORT_WORDS:
        yield from sentences[:_SENTENCES]
        yield from sentences[_SENTENCES:][-2:]
    else:
        yield sentences[0][:_HEAD_WORDS]
        if len(sentences) > 1:
            yield sentences[-1][-_TAIL_WORDS:]


def _fits(phrase: _Phrase, sentence: Sequence[str], place: int, start: int, whole: Sequence[str]) -> bool:
    size = len(phrase.words)
    if tuple(sentence[place : place + size]) != phrase.words:
        return False
    if phrase.mark == "=":
        return len(whole) == size or (len(whole) == start + size and place == start)
    return phrase.mark == "" or place in {0, start}


LEXICON: Final = read_lexicon(Path(__file__).parent / "cues.toml")
"""The lexicon that ships."""
