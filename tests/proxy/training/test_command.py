"""The training command: what it refuses, and what it writes."""

from pathlib import Path

from click.testing import CliRunner

from backtalk.text.pair_model import MODEL, read_pair_model
from backtalk.training.command import main, write


def test_a_folder_without_open_rows_is_refused(tmp_path: Path) -> None:
    """Nothing would have been learned."""
    (tmp_path / "edit_pairs.jsonl").write_text('{"a": "x", "b": "y", "label": 1, "source": "afqmc_zh"}\n')
    result = CliRunner().invoke(main, [str(tmp_path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "no pairs under an open licence" in result.output


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    """The files of the shipped model, again."""
    write(MODEL, tmp_path)
    assert read_pair_model(tmp_path) == MODEL
