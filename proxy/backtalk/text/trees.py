"""Gradient-boosted trees as plain arrays: what a training library has fitted, evaluated without it.

In: a file of JSON arrays and a row of numbers. Out: a probability. Evaluation is a walk per tree, in the order of the
file, so the sum is the same to the last digit on every machine.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from backtalk.text.platt import logistic


class Tree(msgspec.Struct, frozen=True, array_like=True):
    """One tree. A child below zero is the leaf `-child - 1`."""

    features: tuple[int, ...]
    thresholds: tuple[float, ...]
    """A value up to and including it goes left."""
    left: tuple[int, ...]
    right: tuple[int, ...]
    leaves: tuple[float, ...]


class Trees(msgspec.Struct, frozen=True):
    """A model of one probability: the logistic of the sum of the trees' leaves."""

    version: str
    features: tuple[str, ...]
    trees: tuple[Tree, ...]

    def probability(self, row: Sequence[float]) -> float:
        """The probability for one row, its values in the order of `features`."""
        return logistic(sum(_walk(tree, row) for tree in self.trees))


def read_trees(path: Path) -> Trees:
    """A model from its file; raises `msgspec.MsgspecError` where it is none."""
    return msgspec.json.decode(path.read_bytes(), type=Trees)


def _walk(tree: Tree, row: Sequence[float]) -> float:
    place = 0
    if not tree.features:
        return tree.leaves[0]
    while place >= 0:
        place = tree.left[place] if row[tree.features[place]] <= tree.thresholds[place] else tree.right[place]
    return tree.leaves[-place - 1]
