"""The manifest of a dataset."""

import json
import os
from pathlib import Path

import pytest

from backtalk.datasets.manifest import (
    FILE,
    Counts,
    Inputs,
    beside,
    broken_files,
    head,
    manifest_sha256,
    row_entry,
    write_manifest,
)
from backtalk.datasets.output import FileEntry, write_text
from backtalk.datasets.prompts import LeftOut
from backtalk.datasets.recipe import load_recipe
from backtalk.datasets.rows import DatasetRow
from backtalk.errors import RequestError, SetupError
from backtalk.testing.samples import a_sample


def written(folder: Path, *files: FileEntry) -> dict[str, int]:
    """A manifest of one row and two facts that were left out."""
    document = head(load_recipe("dpo"), Inputs({"calls": 3}, 7, 2, 0), Counts(1, {}, {}), files, "ab")
    left_out = [LeftOut("signal", "s-1", "improbable"), LeftOut("feedback", "f-1", "improbable")]
    row = row_entry(0, "train", DatasetRow(a_sample(), "m", "en"))
    return write_manifest(folder / "manifest.json", document, [row], left_out)


def test_manifest_is_json_that_names_everything(tmp_path: Path) -> None:
    """Streams of rows and facts end as one valid document."""
    counts = written(tmp_path)

    found = json.loads((tmp_path / "manifest.json").read_bytes())
    assert counts == {"improbable": 2} == found["left_out"]["count_by_reason"]
    assert found["left_out"]["facts"][0] == {"signal_id": "s-1", "reason": "improbable"}
    assert found["rows"][0]["feedback_ids"] == ["fb-1"]
    assert found["recipe"]["text"] == load_recipe("dpo").text
    assert (found["inputs"]["tables"], found["previous_manifest_sha256"]) == ({"calls": 3}, "ab")


def test_changed_and_missing_files_are_found(tmp_path: Path) -> None:
    """By their hashes."""
    written(tmp_path, write_text(tmp_path, "a/x.txt", "x"), write_text(tmp_path, "a/y.txt", "y"))
    assert broken_files(tmp_path) == []
    (tmp_path / "a" / "x.txt").write_text("z")
    (tmp_path / "a" / "y.txt").unlink()

    assert broken_files(tmp_path) == ["a/x.txt", "a/y.txt"]


def test_single_file_is_compared_with_the_manifest_beside_it(tmp_path: Path) -> None:
    """Changed, and gone."""
    written(tmp_path, write_text(tmp_path, "pairs.jsonl", "x"))
    (tmp_path / FILE).rename(beside(tmp_path / "pairs.jsonl"))
    assert broken_files(tmp_path / "pairs.jsonl") == []
    (tmp_path / "pairs.jsonl").write_text("z")
    assert broken_files(tmp_path / "pairs.jsonl") == ["pairs.jsonl"]
    (tmp_path / "pairs.jsonl").unlink()
    assert broken_files(tmp_path / "pairs.jsonl") == ["pairs.jsonl"]


def test_folder_without_a_manifest_is_no_dataset(tmp_path: Path) -> None:
    """And it is said."""
    with pytest.raises(SetupError, match="no dataset"):
        manifest_sha256(tmp_path)


@pytest.mark.parametrize("name", ["/dev/zero", "../outside", "away/outside", "pipe", "a"])
def test_what_is_no_file_of_the_folder_is_broken_and_not_read(tmp_path: Path, name: str) -> None:
    """A dataset that came from elsewhere may name anything; devices and pipes would be read for ever."""
    entry = write_text(tmp_path, "outside", "x")
    folder = tmp_path / "set"
    (folder / "a").mkdir(parents=True)
    (folder / "away").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    written(folder, entry._replace(name=name))
    assert broken_files(folder) == [name]


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    """With what is wrong with it."""
    (tmp_path / "manifest.json").write_text('{"files": [3]}')
    with pytest.raises(RequestError, match="is no manifest of a dataset"):
        broken_files(tmp_path)
