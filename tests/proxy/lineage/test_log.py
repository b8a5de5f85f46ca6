"""The log: appended by many, cut by kills, never built upon when it is damaged."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backtalk.errors import RequestError, StoreError
from backtalk.lineage.log import MAX_LINE_BYTES, LineageLog
from backtalk.lineage.records import ORIGIN, DatasetRetired, RefSet
from backtalk.lineage.verify import verify
from backtalk.testing.waiting import wait_until

APPENDER = """
import sys
from pathlib import Path
from backtalk.lineage.log import LineageLog
from backtalk.lineage.records import DatasetRetired
log = LineageLog(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    print(log.append(DatasetRetired(f"{sys.argv[3]}-{number}", "old"), "ada").hash, flush=True)
"""


@pytest.fixture
def log(tmp_path: Path) -> LineageLog:
    """An empty log."""
    return LineageLog(tmp_path)


def fill(log: LineageLog, count: int) -> None:
    """Append records."""
    for number in range(count):
        log.append(DatasetRetired(f"dataset-{number}", "old"), "ada")


def test_each_record_names_the_one_before(log: LineageLog) -> None:
    """Numbers count from 1, and the first follows the origin."""
    fill(log, 3)
    records = log.records()
    assert [record.number for record in records] == [1, 2, 3]
    assert [record.prev_hash for record in records] == [ORIGIN, records[0].hash, records[1].hash]
    assert log.head() == (3, records[2].hash)


def test_what_a_kill_left_unfinished_is_dropped(log: LineageLog, tmp_path: Path) -> None:
    """Half a line was acknowledged to nobody: it is no record, and the next one takes its place."""
    fill(log, 2)
    whole = log.path.read_bytes()
    for cut in (b"{", whole.splitlines()[0][:-1], b"\xff\x00"):
        log.path.write_bytes(whole + cut)
        assert len(log.records()) == 2
    fill(log, 1)
    assert [record.number for record in log.records()] == [1, 2, 3]
    assert verify(tmp_path).findings == ()


def test_a_kill_between_the_line_and_the_head_loses_nothing(log: LineageLog, tmp_path: Path) -> None:
    """The line is durable first; a head that is one behind is no damage."""
    fill(log, 1)
    head = (log.directory / "head").read_bytes()
    fill(log, 1)
    (log.directory / "head").write_bytes(head)
    assert verify(tmp_path).findings == ()
    fill(log, 1)
    assert log.head() == (3, log.records()[-1].hash)


def test_nothing_is_put_on_top_of_a_damaged_log(log: LineageLog) -> None:
    """Where records are missing at the end, appending would hide it."""
    fill(log, 3)
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:2]))
    with pytest.raises(StoreError, match="damaged"):
        fill(log, 1)
    log.path.write_bytes(b"".join((lines[0], lines[2])))
    with pytest.raises(StoreError, match="damaged"):
        fill(log, 1)
    log.path.write_bytes(b"".join(lines[:2]) + b"rubbish\n")
    with pytest.raises(StoreError, match="damaged"):
        fill(log, 1)
    with pytest.raises(StoreError, match="line 3"):
        log.records()


def test_many_processes_append_one_chain(tmp_path: Path) -> None:
    """No record is lost or doubled between writers."""
    writers = [
        subprocess.Popen([sys.executable, "-c", APPENDER, str(tmp_path), "20", str(number)], stdout=subprocess.PIPE)
        for number in range(3)
    ]
    told = [line for writer in writers for line in writer.communicate()[0].decode().split()]
    records = LineageLog(tmp_path).records()
    assert len(told) == 60
    assert sorted(told) == sorted(record.hash for record in records)
    assert verify(tmp_path).findings == ()


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """A writer that is killed at any moment leaves every record that it was told of."""
    seen = tmp_path / "told"
    with seen.open("wb") as told:
        writer = subprocess.Popen([sys.executable, "-c", APPENDER, str(tmp_path), "100000", "a"], stdout=told)
        wait_until(lambda: seen.stat().st_size > 65 * 20, what="records")
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
    hashes = seen.read_text().split("\n")[:-1]
    assert [record.hash for record in LineageLog(tmp_path).records()][: len(hashes)] == hashes
    assert verify(tmp_path).findings == ()
    fill(LineageLog(tmp_path), 1)


def test_an_actor_and_a_size_that_cannot_be_taken_are_refused(log: LineageLog) -> None:
    """Nothing is written for them."""
    for actor in ("", " ", "a\nb", "a" * 300):
        with pytest.raises(RequestError, match="actor"):
            log.append(DatasetRetired("a", "old"), actor)
    with pytest.raises(RequestError, match="bytes"):
        log.append(RefSet("a", {"route": "x" * MAX_LINE_BYTES}, "why"), "ada")
    assert log.records() == []


def test_a_directory_that_takes_nothing_is_a_store_error(tmp_path: Path) -> None:
    """The caller hears of it, and nothing is acknowledged."""
    (tmp_path / "lineage").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        fill(LineageLog(tmp_path), 1)
