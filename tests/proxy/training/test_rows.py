"""Rows of pairs: only open licences, and folds that share no text."""

import json
from pathlib import Path

from backtalk.training.rows import Pair, digest, folds, is_open, marks, read_pairs, shuffled


def pair(a: str, b: str, source: str = "canard_rewrite", name: str = "1") -> Pair:
    """A pair."""
    return Pair(a, b, again=True, source=source, languages="", name=name)


def test_a_source_without_an_open_licence_is_not_learned_from() -> None:
    """Nor one that nobody has listed."""
    assert is_open(pair("a", "b"))
    assert not any(is_open(pair("a", "b", source)) for source in ("afqmc_zh", "uss_sgd", "lmsys", "new_one"))


def test_rows_that_share_a_text_share_a_fold() -> None:
    """Directly, or by way of others."""
    chain = [pair(f"text {n}", f"text {n + 1}") for n in range(60)]
    apart = [pair(f"one {n}", f"other {n}") for n in range(60)]
    placed = folds([marks(each) for each in (*chain, *apart)])
    assert len(set(placed[:60])) == 1
    assert len(set(placed[60:])) == 5


def test_translations_of_a_sentence_share_a_fold() -> None:
    """The number of the original ties them."""
    assert set(marks(pair("a", "b", "stsb_multi", "stsb-en-4"))) & set(marks(pair("c", "d", "stsb_multi", "stsb-fr-4")))


def test_rows_are_read_and_known_again(tmp_path: Path) -> None:
    """Whatever else stands in the file, and in whatever order."""
    row = {"a": "x", "b": "y", "label": 1, "source": "cqr_paraphrase", "id": "7", "label_kind": "human"}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(row) + "\n")
    [found] = read_pairs(tmp_path / "pairs.jsonl")
    assert (found.a, found.b, found.again, found.name) == ("x", "y", True, "7")
    assert digest("x", "y") == digest(found.a, found.b) != digest("y", "x")
    assert shuffled([found, pair("p", "q")]) == shuffled([pair("p", "q"), found])
