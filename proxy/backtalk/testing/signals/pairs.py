"""Pairs of texts scored by models that have not seen them.

In: rows of pairs. Out: a probability each. The model that ships scores what it has not learned from; for what it has,
models are fitted anew without the row's fold, and a fold holds everything that shares a text with the row.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from backtalk.text.pair_model import MODEL, Embed, PairModel
from backtalk.training.fit import fit_pair_model
from backtalk.training.rows import DIGEST_BYTES, FOLDS, Pair, digest, folds, is_open, marks

_NOTHING: Final = frozenset[bytes]()


class Seen(NamedTuple):
    """The pairs that the shipped model has learned from, by digest."""

    digests: frozenset[bytes] = _NOTHING

    def has(self, a: str, b: str) -> bool:
        """Whether the pair was learned from."""
        return digest(a, b) in self.digests


class Models(NamedTuple):
    """For each pair of texts a model that has not seen it."""

    fold_of: Mapping[str, int]
    by_fold: Mapping[int, PairModel]
    seen: Seen

    def model(self, a: str, b: str) -> PairModel | None:
        """The shipped model, or the one fitted without what shares a text with the pair; None where there is none."""
        if not self.seen.has(a, b):
            return MODEL
        return self.by_fold[self.fold_of[a]] if a in self.fold_of else None


def read_seen(path: Path) -> Seen:
    """The digests that the training command wrote."""
    content = path.read_bytes() if path.is_file() else b""
    return Seen(frozenset(content[at : at + DIGEST_BYTES] for at in range(0, len(content), DIGEST_BYTES)))


def models(pairs: Sequence[Pair], seen: Seen, embed: Embed | None, say: Callable[[str], None]) -> Models:
    """Fit the models without each fold, if the shipped one has seen any of the pairs."""
    learned = [pair for pair in pairs if is_open(pair) and seen.has(pair.a, pair.b)]
    if not learned:
        return Models({}, {}, seen)
    say(f"{len(learned)} pairs were learned from: they are scored by models fitted without their fold")
    placed = folds([marks(pair) for pair in learned])
    vector = cache(embed or _no_vector)  # each text is met in every fold
    by_fold = {
        fold: fit_pair_model([pair for pair, at in zip(learned, placed, strict=True) if at != fold], vector)
        for fold in range(FOLDS)
    }
    fold_of = {text: fold for pair, fold in zip(learned, placed, strict=True) for text in (pair.a, pair.b)}
    return Models(fold_of, by_fold, seen)


def scores(pairs: Iterable[Pair], chosen: Models, embed: Embed | None) -> list[tuple[float, bool]]:
    """A probability and the truth for each pair."""
    found = ((chosen.model(pair.a, pair.b), pair) for pair in pairs)
    return [(model.score(pair.a, pair.b, embed).probability, pair.again) for model, pair in found if model is not None]


def fifth(text: str) -> int:
    """One of five parts, by the text alone."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) % 5


def _no_vector(_: str) -> Sequence[float]:
    return (1.0,)
