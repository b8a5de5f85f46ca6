"""Rows leave datasets in a thread: the order's keys go in, a future comes out."""

from pathlib import Path

from backtalk.lineage import keeping
from backtalk.spool import erasures
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.worker.dataset_erasing import DatasetErasing


def test_an_order_s_keys_find_rows(tmp_path: Path) -> None:
    """Here of a single file, which is out of reach and named."""
    manifest = write_dataset(tmp_path / "out", "pairs", [a_row("one", feedback=["f-0"])])
    keeping.register_dataset(tmp_path, manifest, actor="ada")
    order = erasures.Order("0" * 16, "user", "hash", 1, "me", "asked for", fact_ids=("f-0",))
    found = DatasetErasing(tmp_path).erase(order).result(timeout=30)
    assert (found.datasets, found.rows, found.not_reached) == (0, 0, (str(manifest),))
