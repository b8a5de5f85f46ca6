"""Splits without leakage: rows that share a session, a user or a prompt, directly or by others, stand in one split.

In: a scratch file with marked rows. Out: a split for each row. The one rule: where a group goes follows from the seed
and the first of its marks alone, so that more data moves no group that it does not join with another.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from backtalk.datasets.places import place
from backtalk.datasets.scratch import Scratch


def split(scratch: Scratch, shares: Mapping[str, float], seed: str) -> None:
    """Give every row its split."""
    parents = array("q", range(scratch.mark_count() + 1))
    for _, marked in groupby(scratch.row_marks(), key=lambda pair: pair[0]):
        roots = [_root(parents, mark) for _, mark in marked]
        for root in roots[1:]:
            parents[_root(parents, root)] = _root(parents, roots[0])
    places = array("d", [-1.0]) * len(parents)
    for number, name in scratch.marks():
        root = _root(parents, number)
        if places[root] < 0:
            places[root] = place(seed, name)
    scratch.assign(_assigned(scratch, parents, places, shares))


def _assigned(
    scratch: Scratch, parents: "array[int]", places: "array[float]", shares: Mapping[str, float]
) -> Iterator[tuple[int, str]]:
    for row, marked in groupby(scratch.row_marks(), key=lambda pair: pair[0]):
        _, mark = next(marked)
        yield row, _share_at(places[_root(parents, mark)], list(shares.items()))


def _share_at(place: float, shares: Sequence[tuple[str, float]]) -> str:
    upper = 0.0
    for name, share in shares:
        upper += share
        if place < upper:
            return name
    return shares[-1][0]


def _root(parents: "array[int]", number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number
