"""Snapshot files of live and dead processes."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from backtalk.telemetry import Metrics, Snapshot, files, read_all, sweep


def _dead(count: int = 1, *, syncs: int = 1) -> list[Snapshot]:
    """Snapshots of processes that are no more."""
    metrics = Metrics()
    metrics.add("backtalk.spool.syncs", syncs)
    metrics.set("backtalk.spool.bytes", 100)
    snapshot = metrics.snapshot()
    return [msgspec.structs.replace(snapshot, life=f"proxy-{n}", pid=1, birth="never") for n in range(count)]


def test_counts_outlive_their_process(tmp_path: Path) -> None:
    """A process that died has its counts in the sum, once, and its gauges no longer."""
    metrics = Metrics("proxy")
    metrics.add("backtalk.spool.syncs", 5)
    metrics.publish(tmp_path)
    metrics.add("backtalk.spool.syncs")
    metrics.publish(tmp_path)
    for snapshot in _dead(3, syncs=10):
        files.write(tmp_path, snapshot)
    whole = read_all(tmp_path)
    assert whole.value("backtalk.spool.syncs") == 36
    assert whole.value("backtalk.spool.bytes") == 0


def test_another_process_is_read(tmp_path: Path) -> None:
    """What a real other process published counts after it has exited."""
    code = (
        "import sys, pathlib; from backtalk.telemetry import Metrics; m = Metrics('x');"
        " m.add('backtalk.spool.syncs', 7); m.set('backtalk.spool.bytes', 3); m.publish(pathlib.Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert read_all(tmp_path).value("backtalk.spool.syncs") == 7
    assert read_all(tmp_path).value("backtalk.spool.bytes") == 0


def test_many_dead_files_are_folded_and_count_once(tmp_path: Path) -> None:
    """After folding there is one file, and the sum is what it was, however often it is read."""
    for snapshot in _dead(100):
        files.write(tmp_path, snapshot)
    assert [read_all(tmp_path).value("backtalk.spool.syncs") for _ in range(3)] == [100, 100, 100]
    assert [path.name for path in tmp_path.glob("*.metrics")] == ["folded.metrics"]
    for snapshot in _dead(40, syncs=2):
        files.write(tmp_path, msgspec.structs.replace(snapshot, life=f"later-{snapshot.life}"))
    assert [read_all(tmp_path).value("backtalk.spool.syncs") for _ in range(3)] == [180, 180, 180]


def test_crash_in_the_middle_of_folding_counts_nothing_twice(tmp_path: Path) -> None:
    """The folded file names what it absorbed; files that were not removed in time are passed over."""
    dead = _dead(50)
    for snapshot in dead:
        files.write(tmp_path, snapshot)
    read_all(tmp_path)
    for snapshot in dead[:20]:
        files.write(tmp_path, snapshot)
    assert read_all(tmp_path).value("backtalk.spool.syncs") == 50


def test_sweep_forgets_the_dead_and_keeps_the_living(tmp_path: Path) -> None:
    """A new run starts at nought without disturbing who still runs."""
    for snapshot in _dead(60):
        files.write(tmp_path, snapshot)
    read_all(tmp_path)
    for snapshot in _dead(2):
        files.write(tmp_path, snapshot)
    metrics = Metrics()
    metrics.add("backtalk.spool.syncs")
    metrics.publish(tmp_path)
    sweep(tmp_path)
    assert read_all(tmp_path).value("backtalk.spool.syncs") == 1


def test_damaged_file_costs_only_itself(tmp_path: Path) -> None:
    """A file that is no snapshot is left out."""
    (tmp_path / "x.metrics").write_bytes(b"\xc1 not msgpack")
    metrics = Metrics()
    metrics.add("backtalk.spool.syncs")
    metrics.publish(tmp_path)
    assert read_all(tmp_path).value("backtalk.spool.syncs") == 1


def test_missing_directory_is_empty(tmp_path: Path) -> None:
    """Before the first publication there is nothing."""
    assert dict(read_all(tmp_path / "no").points) == {}


def test_birth_tells_processes_apart() -> None:
    """The own process has a birth, a process that cannot exist has none."""
    assert files.birth_of(os.getpid()) == files.birth_of(os.getpid())
    assert files.birth_of(1 << 30) == ""
