"""Manifests: found, read, kept under their hash, and the rows in them."""

import json
from pathlib import Path

import pytest

from backtalk.errors import RequestError, StoreError
from backtalk.lineage import manifests
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset

CALL = stories.a_key()


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A dataset of two rows."""
    rows = [a_row("one", CALL, feedback=["f1"], signals=["s1"]), a_row("two")]
    left_out = [{"feedback_id": "f2", "reason": "not_chat"}, {"signal_id": "s2", "reason": "not_chat"}]
    return write_dataset(tmp_path / "out", "pairs", rows, left_out=left_out, tables={"calls": 3, "feedback": 4})


def test_a_registered_manifest_says_what_made_each_row(manifest: Path, tmp_path: Path) -> None:
    """The record names it, and the kept copy holds the facts even when the original is gone."""
    built = manifests.keep(tmp_path, manifest)
    assert (built.name, built.format, built.rows) == ("pairs", "dpo", 2)
    assert (built.tables, built.recipe["selection"]) == ({"calls": 3, "feedback": 4}, "dpo-2")
    assert [file.path for file in built.files] == ["pairs.jsonl"]
    manifest.unlink()
    kept = manifests.load(tmp_path, built)
    assert [row.facts for row in kept.rows] == [{"f1", "s1"}, set()]
    assert next(kept.rows).calls == (manifests.Call(CALL.trace_id, CALL.span_id),)
    assert kept.left_out_counts == {"not_chat": 2}


def test_a_dataset_is_found_by_its_directory_manifest_or_file(manifest: Path, tmp_path: Path) -> None:
    """Whatever of it a person has at hand; else the message says that there is none."""
    assert manifests.find(manifest) == manifests.find(tmp_path / "out" / "pairs.jsonl") == manifest
    inside = manifest.rename(tmp_path / "out" / "manifest.json")
    assert manifests.find(tmp_path / "out") == inside
    with pytest.raises(RequestError, match="no manifest"):
        manifests.find(tmp_path)


def test_a_directory_gives_its_name(manifest: Path, tmp_path: Path) -> None:
    """Where the manifest itself has none."""
    inside = manifest.rename(tmp_path / "out" / "manifest.json")
    assert manifests.keep(tmp_path, inside).name == "out"
    named = write_dataset(tmp_path / "named", "x", [], name="corrections")
    assert manifests.keep(tmp_path, named).name == "corrections"
    assert manifests.keep(tmp_path, named, name="mine").name == "mine"


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    """The message says which file, and what is wrong with it."""
    path = tmp_path / "manifest.json"
    for content in ("", "[]", '{"kind": 1}', "\x00"):
        path.write_text(content)
        with pytest.raises(RequestError, match="no manifest of a dataset"):
            manifests.keep(tmp_path, path)


def test_a_kept_manifest_that_was_changed_is_not_believed(manifest: Path, tmp_path: Path) -> None:
    """Neither is one that is gone."""
    built = manifests.keep(tmp_path, manifest)
    kept = manifests.kept_path(tmp_path, built.manifest_sha256)
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"kind": "kto"}))
    with pytest.raises(StoreError, match="was changed"):
        manifests.load(tmp_path, built)
    kept.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        manifests.load(tmp_path, built)


def test_a_row_is_named_by_its_number_or_its_hash(manifest: Path, tmp_path: Path) -> None:
    """What fits none says which there are."""
    found = manifests.load(tmp_path, manifests.keep(tmp_path, manifest))
    assert manifests.row_of(found, "1").row == 1
    assert manifests.row_of(found, next(found.rows).sha256[:8]).row == 0
    for wanted in ("2", "", "zzzzzzzz", "-1"):
        with pytest.raises(RequestError, match="rows are 0 to 1"):
            manifests.row_of(found, wanted)
