"""The check: every way of changing what was recorded is found and named."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from backtalk.lineage import keeping
from backtalk.lineage.log import LineageLog
from backtalk.lineage.records import ORIGIN, DatasetBuilt
from backtalk.lineage.verify import verify
from backtalk.testing.datasets import a_row, write_dataset

Lines = list[bytes]
CHANGES: Final[Sequence[tuple[Callable[[Lines], Lines], str]]] = [
    (lambda lines: [lines[0].replace(b"ada", b"eve"), *lines[1:]], "record 1 was changed"),
    (lambda lines: [*lines[:2], lines[3]], "records were removed, added or moved"),
    (lambda lines: [lines[1], lines[0], *lines[2:]], "records were removed, added or moved"),
    (lambda lines: [*lines[:2], lines[1], *lines[2:]], "records were removed, added or moved"),
    (lambda lines: lines[:3], "records 4 to 4 are missing"),
    (lambda _: [], "records 1 to 4 are missing"),
    (lambda lines: [*lines[:1], b"\n", *lines[2:]], "record 2 was changed"),
]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory with two datasets, a run and a name."""
    for name in ("first", "second"):
        manifest = write_dataset(tmp_path / "out", name, [a_row(name)])
        keeping.register_dataset(tmp_path, manifest, actor="ada")
    keeping.register_run(tmp_path, name="tune", purpose="training", datasets=["first"], actor="ada")
    keeping.set_ref(tmp_path, "production", {"dataset": "second"}, actor="ada", reason="begin")
    return tmp_path


def rewrite(data_dir: Path, change: Callable[[Lines], Lines]) -> None:
    """Change the lines of the log."""
    path = LineageLog(data_dir).path
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def test_what_was_not_touched_is_whole(data_dir: Path) -> None:
    """Four records, two manifests and two files, and the head to note."""
    found = verify(data_dir)
    assert (found.records, found.files, found.findings) == (4, 4, ())
    assert found.head == LineageLog(data_dir).records()[-1].hash
    assert verify(data_dir, noted_head=LineageLog(data_dir).records()[1].hash).findings == ()


def test_an_empty_data_directory_is_whole(tmp_path: Path) -> None:
    """Nothing was recorded, so nothing was changed."""
    assert verify(tmp_path) == (0, 0, ORIGIN, (), ())


@pytest.mark.parametrize(("change", "named"), CHANGES)
def test_a_changed_log_is_found(data_dir: Path, change: Callable[[Lines], Lines], named: str) -> None:
    """Edited, removed, moved, repeated, cut, emptied."""
    rewrite(data_dir, change)
    assert any(named in finding for finding in verify(data_dir).findings)


def test_a_log_that_was_written_anew_is_found_by_a_noted_head(data_dir: Path, tmp_path: Path) -> None:
    """Who can rewrite everything can make another whole chain; the hash that somebody noted is not in it."""
    noted = verify(data_dir).head
    for path in (tmp_path / "lineage").glob("*"):
        if path.is_file():
            path.unlink()
    keeping.register_dataset(data_dir, tmp_path / "out" / "first.jsonl", actor="eve")
    assert verify(data_dir).findings == ()
    (finding,) = verify(data_dir, noted_head=noted).findings
    assert noted in finding


def test_changed_and_missing_files_are_found(data_dir: Path) -> None:
    """A dataset's file and the kept manifest are hashed anew."""
    (data_dir / "out" / "first.jsonl").write_text("other\n")
    (data_dir / "out" / "second.jsonl").unlink()
    next((data_dir / "lineage" / "manifests").iterdir()).write_text("{}")
    found = verify(data_dir).findings
    assert len(found) == 3
    assert sum("was changed" in finding for finding in found) == 2
    assert sum("cannot be read" in finding for finding in found) == 1


def test_files_of_a_retired_dataset_may_be_gone(data_dir: Path) -> None:
    """They are not used any more; their manifest stays."""
    keeping.retire_dataset(data_dir, "first", actor="ada", reason="old")
    (data_dir / "out" / "first.jsonl").unlink()
    assert verify(data_dir).findings == ()


def test_what_a_later_dataset_was_written_over_is_replaced_and_not_changed(data_dir: Path) -> None:
    """Its kept manifest is checked all the same; what is changed by hand after that is found."""
    manifest = write_dataset(data_dir / "out", "first", [a_row("other")])
    later = keeping.register_dataset(data_dir, manifest, actor="ada").body
    assert isinstance(later, DatasetBuilt)
    found = verify(data_dir)
    assert (found.files, found.findings) == (5, ())
    assert [one.endswith(f"was replaced by {later.dataset_id}") for one in found.replaced] == [True]
    (data_dir / "out" / "first.jsonl").write_text("by hand\n")
    (finding,) = verify(data_dir).findings
    assert later.dataset_id in finding


def test_a_file_that_was_overwritten_without_a_record_is_found(data_dir: Path) -> None:
    """Another whole dataset in the place is a change as long as nobody says that it is one."""
    write_dataset(data_dir / "out", "first", [a_row("other")])
    found = verify(data_dir)
    assert (len(found.findings), found.replaced) == (1, ())


def test_a_dataset_that_took_its_place_back_is_checked_again(data_dir: Path) -> None:
    """Written, written over, and written once more as it was."""
    for text in ("other", "first"):
        keeping.register_dataset(data_dir, write_dataset(data_dir / "out", "first", [a_row(text)]), actor="ada")
    found = verify(data_dir)
    assert (found.findings, len(found.replaced)) == ((), 1)
    (data_dir / "out" / "first.jsonl").write_text("by hand\n")
    assert len(verify(data_dir).findings) == 1


def test_a_missing_head_is_found(data_dir: Path) -> None:
    """Without it nobody can say whether records are missing at the end."""
    (data_dir / "lineage" / "head").unlink()
    assert len(verify(data_dir).findings) == 1
