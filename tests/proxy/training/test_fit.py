"""Fitting: the same pairs give the same model, and it has learned something."""

from importlib.util import find_spec

import pytest

from backtalk.errors import SetupError
from backtalk.training.fit import fit_pair_model
from backtalk.training.rows import Pair

PAIRS = (
    [
        Pair(
            f"How many {what} are in place {n}?",
            f"How many {what} are there in the place {n}?",
            True,
            "sim",
            "",
            str(n),
        )
        for n, what in enumerate(["cats", "dogs", "trees", "roads"] * 40)
    ]
    + [
        Pair(f"How many {what} are in place {n}?", f"Who was the mayor in year {n}?", False, "sim", "", f"n{n}")
        for n, what in enumerate(["cats", "dogs", "trees", "roads"] * 40)
    ]
    + [Pair("潮汐是什么", "什么是潮汐", True, "sim", "", "z1"), Pair("潮汐是什么", "谁是市长", False, "sim", "", "z2")]
)


def embed(text: str) -> tuple[float, float]:
    """A vector that knows nothing."""
    return (1.0, 0.0) if len(text) % 2 else (0.6, 0.8)


@pytest.mark.skipif(find_spec("lightgbm") is not None, reason="the extra is installed")
def test_without_the_extra_the_message_says_what_to_install() -> None:
    """It is the installation's to mend."""
    with pytest.raises(SetupError, match=r"backtalk\[training\]"):
        fit_pair_model(PAIRS, embed)


@pytest.mark.skipif(find_spec("lightgbm") is None, reason="the extra is not installed")
def test_the_same_pairs_give_the_same_model_in_any_order() -> None:
    """To the last digit."""
    model = fit_pair_model(PAIRS, embed)
    assert fit_pair_model(PAIRS[::-1], embed) == model
    assert model.score("How many owls are in town?", "How many owls are there in the town?").probability > 0.8
    assert model.score("How many owls are in town?", "Who was the mayor then?").probability < 0.2
