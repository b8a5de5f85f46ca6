"""How likely a text says again, in other words, what an earlier one said: a cascade from cheap to dear.

In: two texts, and an embedding where the extra is installed and switched on. Out: a probability, calibrated on pairs
and blind to the situation, and what it stands on. Words decide alone where they are sure; meaning is asked only in
between, and where words are no evidence: other languages than the model was trained on, or two of them.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec.structs import astuple

from backtalk.text.pair import CHARS, compare, mixes_languages, trusts_words
from backtalk.text.platt import Platt, log_odds, logistic
from backtalk.text.trees import Trees, read_trees
from backtalk.text.words import is_unspaced, normal, words

Embed = Callable[[str], Sequence[float]]
"""A text's vector of length one."""
Provenance = Literal["lexical", "embedding"]

UNSURE: Final = 0.05
_UNSPACED_LEAST: Final = 0.2
_UNSPACED_SPAN: Final = 0.4
"""No openly licensed pairs of edits exist in unspaced scripts: the probability keeps to the middle, in this order."""


class Score(NamedTuple):
    """A probability and what it stands on."""

    probability: float
    provenance: Provenance


class PairModel(msgspec.Struct, frozen=True):
    """The three fitted parts."""

    words: Trees
    meaning: Trees
    """Over the same features and, last, the cosine of the two vectors."""
    cosine: Platt
    """From the cosine alone, for texts whose words are no evidence."""

    def score(self, a: str, b: str, embed: Embed | None = None, unsure: float = UNSURE) -> Score:
        """Score a pair, `a` the earlier; within `unsure` of 0 or 1, words decide alone."""
        found = self.compare(a, b, embed, unsure)
        return found._replace(probability=_placed(found.probability, a, b))

    def compare(self, a: str, b: str, embed: Embed | None = None, unsure: float = UNSURE) -> Score:
        """The same, but in unspaced scripts too as sure as the trees are: for ranking within one script."""
        a, b = a[:CHARS], b[:CHARS]
        if not words(normal(a)) or not words(normal(b)):
            return Score(0.0, "lexical")
        features = astuple(compare(a, b))
        by_words = self.words.probability(features)
        if embed is None:
            return Score(by_words, "lexical")
        trusted = trusts_words(a, b)
        if trusted and not unsure < by_words < 1 - unsure:
            return Score(by_words, "lexical")
        cosine = _cosine(embed(a), embed(b))
        by_meaning = self.meaning.probability((*features, cosine))
        if not trusted:
            alone = self.cosine.intercept + self.cosine.slope * cosine
            share = 1.0 if mixes_languages(a, b) else 0.5
            by_meaning = logistic(share * alone + (1 - share) * log_odds(by_meaning))
        return Score(by_meaning, "embedding")


def read_pair_model(folder: Path) -> PairModel:
    """The model from its files."""
    return PairModel(
        words=read_trees(folder / "pair_words.json"),
        meaning=read_trees(folder / "pair_meaning.json"),
        cosine=msgspec.json.decode((folder / "pair_cosine.json").read_bytes(), type=Platt),
    )


MODEL: Final = read_pair_model(Path(__file__).parent)
"""The model that ships."""


def reformulation(a: str, b: str, embed: Embed | None = None) -> Score:
    """Score a pair with the model that ships."""
    return MODEL.score(a, b, embed)


def _placed(probability: float, a: str, b: str) -> float:
    """Two texts of one unspaced script keep to the middle; across languages the vectors were fitted as they are."""
    if is_unspaced(a[:CHARS]) and is_unspaced(b[:CHARS]) and words(normal(a[:CHARS])) and words(normal(b[:CHARS])):
        return _UNSPACED_LEAST + _UNSPACED_SPAN * probability
    return probability


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    dot = sum(x * y for x, y in zip(one, other, strict=True))
    length = sqrt(sum(x * x for x in one) * sum(y * y for y in other))
    return dot / length if length else 0.0
