"""Where facts left."""

from contextlib import closing
from pathlib import Path

from backtalk.lineage.manifests import Manifest
from backtalk.quality.exits import Exits
from backtalk.testing.datasets import a_row, write_dataset


def test_a_row_says_more_than_a_reason_and_training_more_than_evaluation(tmp_path: Path) -> None:
    """Of reasons the latest holds, whatever came between."""
    first = write_dataset(
        tmp_path, "pairs", [a_row("one", feedback=["used", "both"])],
        left_out=[{"feedback_id": "asked", "reason": "old"}, {"signal_id": "left", "reason": "old"}],
    )  # fmt: skip
    second = write_dataset(
        tmp_path, "exam", [a_row("two", feedback=["asked", "both"])], kind="eval_case",
        left_out=[{"feedback_id": "used", "reason": "new"}, {"signal_id": "left", "reason": "new"}],
    )  # fmt: skip
    with closing(Exits()) as exits:
        for path in (first, second, first):
            exits.add(Manifest(path))
        found = {name: exits.of(name) for name in ("used", "both", "asked", "left", "unknown")}
    assert found == {"used": "training", "both": "training", "asked": "evaluation", "left": "old", "unknown": None}
