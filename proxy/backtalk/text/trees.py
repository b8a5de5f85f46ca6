"""Gradient-boosted trees as plain arrays: what a training library has fitted, evaluated without it.

In: a file of JSON arrays and a row of numbers. Out: a probability. Evaluation is a walk per tree, in the order of the
file, so the sum is the same to the last digit on every machine.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from backtalk.text.platt import logistic

_Node = tuple[int, float, int, int]
"""Feature, threshold, the child up to it and the child above."""


class Tree(msgspec.Struct, frozen=True, array_like=True):
    """One tree. A child below zero is the leaf `-child - 1`."""

    features: tuple[int, ...]
    thresholds: tuple[float, ...]
    """A value up to and including it goes left."""
    left: tuple[int, ...]
    right: tuple[int, ...]
    leaves: tuple[float, ...]


class Trees(msgspec.Struct, frozen=True, dict=True):
    """A model of one probability: the logistic of the sum of the trees' leaves."""

    version: str
    features: tuple[str, ...]
    trees: tuple[Tree, ...]

    @cached_property
    def nodes(self) -> tuple[tuple[tuple[_Node, ...], tuple[float, ...]], ...]:
        """Each tree's inner nodes, all of a node together, and its leaves: so a walk is one look-up a step."""
        whole = ((tree.features, tree.thresholds, tree.left, tree.right, tree.leaves) for tree in self.trees)
        return tuple((tuple(zip(*inner, strict=True)), leaves) for *inner, leaves in whole)

    def probability(self, row: Sequence[float]) -> float:
        """The probability for one row, its values in the order of `features`."""
        total = 0.0
        for nodes, leaves in self.nodes:
            place = 0 if nodes else -1
            while place >= 0:
                feature, threshold, left, right = nodes[place]
                place = left if row[feature] <= threshold else right
            total += leaves[-place - 1]
        return logistic(total)


def read_trees(path: Path) -> Trees:
    """A model from its file; raises `msgspec.MsgspecError` where it is none."""
    return msgspec.json.decode(path.read_bytes(), type=Trees)
