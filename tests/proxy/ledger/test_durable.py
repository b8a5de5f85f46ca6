"""What is told to be committed is on disk: the data, the log entry, and every directory that names them."""

import json
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from backtalk.ledger.durable import added, log_entry, sync_checkpoints, sync_newest, sync_versions
from backtalk.ledger.schema import to_arrow
from backtalk.testing.disk import Disk

VERSIONS = 4


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A table of some versions, each with a file in a partition of its own; nothing of it was synced."""
    root = tmp_path / "calls"
    for number in range(VERSIONS):
        rows = [{"dt": f"2026-01-0{number + 1}", "trace_id": str(number)}]
        write_deltalake(root, to_arrow("calls", rows), mode="append", partition_by=["dt"])
    return root


def test_everything_of_the_versions_is_synced_and_nothing_else(root: Path, disk: Disk) -> None:
    """Files before the directories that name them, so that a name is never there without its content."""
    sync_versions(root, 1, 3)
    found = disk.synced
    data = [path for day in ("03", "04") for path in root.glob(f"dt=2026-01-{day}/*.parquet")]
    files = {*data, log_entry(root, 2), log_entry(root, 3)}
    assert len(data) == 2
    assert set(found[: len(files)]) == files
    assert set(found[len(files) :]) == {root, root / "_delta_log", *(path.parent for path in data)}


def test_a_data_file_that_is_gone_is_an_error(root: Path) -> None:
    """A version whose rows are not there is never told to be committed."""
    next(root.glob("dt=2026-01-04/*.parquet")).unlink()
    with pytest.raises(FileNotFoundError):
        sync_versions(root, 2, 3)


@pytest.mark.parametrize(("missing", "expected"), [((), {2, 3}), ((0, 1, 2), {3}), ((0, 1), {2, 3})])
def test_the_newest_versions_are_synced_as_far_as_their_entries_go(
    root: Path, disk: Disk, missing: tuple[int, ...], expected: set[int]
) -> None:
    """Older entries may have been cleaned up behind a checkpoint."""
    for version in missing:
        log_entry(root, version).unlink()
    sync_newest(root, 3)
    assert {int(path.stem) for path in disk.synced if path.suffix == ".json"} == expected


def test_a_new_table_has_one_version_to_sync(root: Path, disk: Disk) -> None:
    """There is none before the first."""
    sync_newest(root, 0)
    assert log_entry(root, 0) in disk.synced


def test_added_files_are_told_by_their_names_on_disk(tmp_path: Path) -> None:
    """Delta writes paths as URLs; a partition with a blank or a percent sign is found all the same."""
    write_deltalake(tmp_path / "t", to_arrow("calls", [{"dt": "a b%ä", "trace_id": "1"}]), partition_by=["dt"])
    ((path, size_bytes),) = added(log_entry(tmp_path / "t", 0))
    assert (tmp_path / "t" / path).stat().st_size == size_bytes


def test_a_torn_entry_is_an_error(root: Path) -> None:
    """Half a line names no file."""
    entry = log_entry(root, 3)
    entry.write_bytes(entry.read_bytes()[:-20])
    with pytest.raises(ValueError, match="line"):
        list(added(entry))


def test_the_newest_checkpoint_and_its_pointer_are_synced(root: Path, disk: Disk) -> None:
    """Older checkpoints were synced in their time."""
    log = root / "_delta_log"
    DeltaTable(root, version=1).create_checkpoint()
    DeltaTable(root).create_checkpoint()
    sync_checkpoints(root)
    assert json.loads((log / "_last_checkpoint").read_bytes())["version"] == 3
    newest = max(log.glob("*.checkpoint.parquet"))
    assert disk.synced == [newest, log / "_last_checkpoint", log]


def test_a_table_without_a_checkpoint_has_none_to_sync(root: Path, disk: Disk) -> None:
    """That is no error."""
    sync_checkpoints(root)
    assert disk.synced == [root / "_delta_log"]
