"""Fits the pair model on pairs: trees over words, trees over words and meaning, and one curve over meaning alone.

In: pairs and an embedding. Out: a `PairModel`. Single-threaded and seeded: the same pairs give the same files.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from msgspec.structs import astuple, fields

from backtalk.errors import SetupError
from backtalk.text.pair import CHARS, PairFeatures, compare, trusts_words
from backtalk.text.pair_model import Embed, PairModel
from backtalk.text.platt import Platt, fit
from backtalk.text.trees import Tree, Trees
from backtalk.training.rows import Pair, shuffled

VERSION: Final = "3"
NAMES: Final = tuple(field.name for field in fields(PairFeatures))
_ROUNDS: Final = 200
_PARAMETERS: Final[dict[str, Any]] = {
    "objective": "binary",
    "verbose": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "learning_rate": 0.06,
    "num_leaves": 31,
    "min_data_in_leaf": 12,
    "lambda_l2": 2.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
}
"""Chosen by five-fold cross-validation: against half the trees with half the leaves, AUC gains 0.001 to 0.003."""


def fit_pair_model(pairs: Sequence[Pair], embed: Embed) -> PairModel:
    """Fit all three parts."""
    ordered = shuffled(pairs)
    compared = [astuple(compare(pair.a, pair.b)) for pair in ordered]
    cosines = [_dot(embed(pair.a[:CHARS]), embed(pair.b[:CHARS])) for pair in ordered]
    again = [pair.again for pair in ordered]
    one_language = [place for place, pair in enumerate(ordered) if "-" not in pair.languages]
    words = [place for place, pair in enumerate(ordered) if not trusts_words(pair.a, pair.b)]
    return PairModel(
        words=_fit([compared[i] for i in one_language], [again[i] for i in one_language], NAMES),
        meaning=_fit(
            [(*row, cosine) for row, cosine in zip(compared, cosines, strict=True)], again, (*NAMES, "cosine")
        ),
        cosine=_rounded(fit([cosines[i] for i in words], [again[i] for i in words])),
    )


def _fit(rows: Sequence[Sequence[float]], outcomes: Sequence[bool], names: tuple[str, ...]) -> Trees:
    try:
        lightgbm, numpy = import_module("lightgbm"), import_module("numpy")
    except ImportError as error:
        raise SetupError("training needs the extra: install backtalk[training]", code="no_extra") from error
    data = lightgbm.Dataset(numpy.array(rows), numpy.array(outcomes, dtype=float))
    dumped = lightgbm.train(_PARAMETERS, data, _ROUNDS).dump_model()
    return Trees(VERSION, names, tuple(_tree(tree["tree_structure"]) for tree in dumped["tree_info"]))


def _tree(root: dict[str, Any]) -> Tree:
    """One dumped tree as arrays; thresholds and leaves keep seven digits."""
    inner: list[dict[str, Any]] = []
    leaves: list[float] = []
    children: dict[int, tuple[int, int]] = {}

    def place(node: dict[str, Any]) -> int:
        if "leaf_value" in node:
            leaves.append(float(f"{node['leaf_value']:.7g}"))
            return -len(leaves)
        here = len(inner)
        inner.append(node)
        children[here] = (place(node["left_child"]), place(node["right_child"]))
        return here

    place(root)
    return Tree(
        features=tuple(int(node["split_feature"]) for node in inner),
        thresholds=tuple(float(f"{node['threshold']:.7g}") for node in inner),
        left=tuple(children[i][0] for i in range(len(inner))),
        right=tuple(children[i][1] for i in range(len(inner))),
        leaves=tuple(leaves),
    )


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(one, other, strict=True))


def _rounded(curve: Platt) -> Platt:
    return Platt(round(curve.slope, 4), round(curve.intercept, 4))
