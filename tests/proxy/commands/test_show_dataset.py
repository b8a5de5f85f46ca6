"""A built dataset for a person."""

from pathlib import Path

from backtalk.commands.show_dataset import report
from backtalk.datasets.build import Built


def test_report_says_what_where_and_what_not(tmp_path: Path) -> None:
    """Rows by rule, the balance, what no format could hold, what was left out."""
    balance = {"rule": {"correction": 1}, "split": {"train": 1}, "model": {"m": 1}, "language": {"en": 1}}
    document = {
        "row_count": 1, "kind": "preference", "balance": balance, "skipped": {"trl_reward": {"attachments": 2}},
        "inputs": {"newest_call_ns": 1_767_268_800_000_000_000},
    }  # fmt: skip

    said = report(Built(tmp_path, "abc", document, {"improbable": 3}))

    assert said.splitlines() == [
        f"1 preference row (correction 1) in {tmp_path}, up to the call of 2026-01-01 12:00:00 UTC",
        "  by split: train 1",
        "  by model: m 1",
        "  by language: en 1",
        "  not in trl_reward: attachments 2",
        "  left out: improbable 3",
        f"  the facts behind each row: {tmp_path}/manifest.json, abc",
    ]
