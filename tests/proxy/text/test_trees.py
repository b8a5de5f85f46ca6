"""Trees: plain arrays give what the library gave."""

from pathlib import Path

import msgspec
import pytest

from backtalk.text.platt import logistic
from backtalk.text.trees import Tree, Trees, read_trees

STUMP = Tree((0,), (0.5,), (-1,), (-2,), (-1.0, 2.0))
DEEP = Tree((1, 0), (1.0, 0.5), (1, -2), (-3, -1), (0.25, 0.5, 4.0))


@pytest.mark.parametrize(("row", "score"), [((0.5, 0.0), -0.5), ((0.6, 0.0), 2.25), ((0.0, 2.0), 3.0)])
def test_a_row_takes_the_sum_of_its_leaves(row: tuple[float, float], score: float) -> None:
    """A value up to and including the threshold goes left."""
    model = Trees("1", ("a", "b"), (STUMP, DEEP))
    assert model.probability(row) == pytest.approx(logistic(score))


def test_a_model_comes_back_from_its_file(tmp_path: Path) -> None:
    """To the last digit."""
    model = Trees("1", ("a",), (STUMP, Tree((), (), (), (), (0.125,))))
    (tmp_path / "model.json").write_bytes(msgspec.json.encode(model))
    assert read_trees(tmp_path / "model.json") == model
    assert model.probability((1.0,)) == logistic(2.125)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """At the edge."""
    (tmp_path / "model.json").write_bytes(b"[]")
    with pytest.raises(msgspec.MsgspecError):
        read_trees(tmp_path / "model.json")
