"""How far a corrected text is from the text that it corrects: pure, bounded, in words and characters.

In: two texts. Out: a distance, the share that was kept, and the words that differ. The one rule: the cost is bounded;
of longer texts the beginnings are compared.
"""

from typing import Final, Literal, NamedTuple

from rapidfuzz.distance import Indel, Levenshtein

MAX_CHARS: Final = 20_000
"""So much of each text is compared: 20,000 characters against as many take about 10 ms."""
MAX_CHANGES: Final = 200


class Change(NamedTuple):
    """A run of words that is gone, new, or in place of others."""

    kind: Literal["delete", "insert", "replace"]
    before: str
    after: str


class Edited(NamedTuple):
    """What became of a text."""

    distance: float
    """Levenshtein distance in characters over the longer text's length: 0 the same, 1 nothing of it."""
    share_kept: float
    """The share of the text's own words that stand in the other, in order."""
    changes: tuple[Change, ...]


def edited(before: str, after: str) -> Edited:
    """Compare a text with what it was corrected to."""
    before, after = before[:MAX_CHARS], after[:MAX_CHARS]
    old, new = before.split(), after.split()
    same = Indel.editops(old, new)
    gone = sum(1 for operation in same if operation.tag == "delete")
    kept = 1.0 if not old else (len(old) - gone) / len(old)
    return Edited(Levenshtein.normalized_distance(before, after), kept, _changes(old, new))


def _changes(old: list[str], new: list[str]) -> tuple[Change, ...]:
    runs = [code for code in Levenshtein.opcodes(old, new) if code.tag != "equal"]
    return tuple(
        Change(
            _KINDS[code.tag],
            " ".join(old[code.src_start : code.src_end]),
            " ".join(new[code.dest_start : code.dest_end]),
        )
        for code in runs[:MAX_CHANGES]
    )


_KINDS: Final[dict[str, Literal["delete", "insert", "replace"]]] = {
    "delete": "delete",
    "insert": "insert",
    "replace": "replace",
}
