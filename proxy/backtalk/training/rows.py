"""Rows of pairs: which may be learned from, which belong together, and how to recognise one again.

In: `edit_pairs*.jsonl` (fields `a, b, label, source, id`). Out: `Pair`s with their group. The one rule: a source that
is not listed here with an open licence is never learned from.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDS: Final = 5
FILES: Final = ("edit_pairs.jsonl", "edit_pairs_multilingual.jsonl")
LICENCES: Final[Mapping[str, str]] = {
    "canard": "CC BY-SA 4.0",
    "cast": "MIT",
    "cqr": "MIT-0",
    "ifllm": "Apache-2.0",
    "sim": "simulated, from texts of the others",
    "stsb": "CC BY-SA 4.0",
}
"""The licence of each source that is learned from, by the beginning of its name."""
DIGEST_BYTES: Final = 6


class Pair(NamedTuple):
    """Two texts and whether the later says the earlier again."""

    a: str
    b: str
    again: bool
    source: str
    languages: str
    name: str


def read_pairs(path: Path) -> list[Pair]:
    """Every row of a file."""
    with path.open(encoding="utf-8") as lines:
        return [_pair(json.loads(line)) for line in lines]


def is_open(pair: Pair) -> bool:
    """Whether the pair's source may be learned from."""
    return pair.source.partition("_")[0] in LICENCES


def digest(a: str, b: str) -> bytes:
    """How a row that was learned from is recognised, whatever file it stands in."""
    return hashlib.blake2b(f"{a}\0{b}".encode(), digest_size=DIGEST_BYTES).digest()


def folds(rows: Sequence[tuple[str, ...]]) -> list[int]:
    """A fold for each row, from the marks it carries: rows that share one, directly or by others, share their fold."""
    parents: dict[str, str] = {}
    for marks in rows:
        roots = [_root(parents, mark) for mark in marks]
        for root in roots:
            parents[root] = min(roots)
    return [_fold(_root(parents, marks[0])) for marks in rows]


def marks(pair: Pair) -> tuple[str, ...]:
    """What ties a pair to others: its texts; for translated sentences the number of the original."""
    number = pair.name.rpartition("-")[2]
    return (pair.a, pair.b, f"sts {number}") if pair.source.startswith("stsb") else (pair.a, pair.b)


def shuffled(pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs in an order that depends on them alone."""
    return sorted(pairs, key=lambda pair: (digest(pair.a, pair.b), pair.name))


def _pair(fields: dict[str, Any]) -> Pair:
    return Pair(
        fields["a"],
        fields["b"],
        bool(fields["label"]),
        fields["source"],
        fields.get("lang", ""),
        str(fields.get("id", "")),
    )


def _root(parents: dict[str, str], mark: str) -> str:
    parents.setdefault(mark, mark)
    while parents[mark] != mark:
        parents[mark] = parents[parents[mark]]
        mark = parents[mark]
    return mark


def _fold(root: str) -> int:
    return int.from_bytes(hashlib.blake2b(root.encode(), digest_size=4).digest()) % FOLDS
