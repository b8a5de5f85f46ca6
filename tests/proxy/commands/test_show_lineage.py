"""How lineage looks on a terminal."""

import json
from typing import Any, Final

import pytest

from backtalk.commands import show_lineage

DATASET: Final[dict[str, Any]] = {
    "dataset_id": "0123456789abcdef", "name": "pairs\x1b[31m", "format": "dpo", "rows": 2, "built_ns": 0, "actor": "a",
    "retired": None, "code_version": "0.1.0", "recipe": {"kind": "dpo"}, "tables": {"calls": 3}, "files": [],
    "manifest": "there", "manifest_sha256": "0" * 64, "left_out": {"not_chat": 2},
    "erased_rows": 1, "previous": "\x1b",
}  # fmt: skip


def test_names_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What was written by others is shown and not obeyed, in lists and alone."""
    show_lineage.datasets([DATASET])
    show_lineage.dataset(DATASET)
    record = {"number": 1, "at_ns": 0, "actor": "\x1b", "body": {"type": "run", "name": "\x1b"}}
    show_lineage.log([record])
    show_lineage.verdict({"findings": ["\x1b"], "replaced": ["\x1b"], "records": 1, "files": 1, "head": "0"})
    assert "\x1b" not in capsys.readouterr().out


def test_json_is_the_document_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """So that a program can read it."""
    show_lineage.datasets([DATASET], as_json=True)
    assert json.loads(capsys.readouterr().out) == [DATASET]


def test_an_instant_is_told_in_utc() -> None:
    """As people read it; nothing where there is none."""
    assert (show_lineage.instant(0), show_lineage.instant(None)) == ("1970-01-01 00:00:00", "")
