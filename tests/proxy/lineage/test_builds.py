"""Builds are announced while they live; those of the dead are found once."""

import subprocess
import sys
from pathlib import Path

import pytest

from backtalk.errors import StoreError
from backtalk.lineage import builds
from backtalk.lineage.builds import Build

ONE = Build("/sets/pairs", ".pairs.1.tmp", is_file=False, actor="ada", pid=1)


def found(data_dir: Path, *, finished: bool = True) -> list[Build]:
    """What nobody works at any more."""
    seen: list[Build] = []

    def finish(build: Build) -> bool:
        seen.append(build)
        return finished

    builds.tidy(data_dir, finish)
    return seen


def _fail_behind(one: builds.Announced) -> None:
    one.complete("f" * 64)
    raise TypeError("the record could not be written")


def test_a_build_is_seen_while_it_lives_and_no_longer(tmp_path: Path) -> None:
    """A living one is nobody else's business."""
    with builds.announced(tmp_path, ONE):
        assert len(builds.running(tmp_path)) == 1
        assert found(tmp_path) == []
    assert builds.running(tmp_path) == frozenset()
    assert found(tmp_path) == []


def test_one_that_failed_has_removed_its_folder_itself(tmp_path: Path) -> None:
    """Nothing is left to be put right."""
    with pytest.raises(ZeroDivisionError), builds.announced(tmp_path, ONE):
        raise ZeroDivisionError
    assert found(tmp_path) == []


def test_one_that_failed_with_its_files_in_place_is_put_right_later(tmp_path: Path) -> None:
    """It says what it was about to put there."""
    with pytest.raises(TypeError), builds.announced(tmp_path, ONE) as one:
        _fail_behind(one)
    (left,) = found(tmp_path)
    assert (left.out, left.manifest_sha256) == (ONE.out, "f" * 64)


def test_a_killed_one_is_found_until_it_is_finished(tmp_path: Path) -> None:
    """The kernel frees its lock."""
    code = (
        "import os, pathlib, sys, signal\n"
        "from backtalk.lineage import builds\n"
        "with builds.announced(pathlib.Path(sys.argv[1]), builds.Build('/o', '.o.tmp', False, 'ada', 1)):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode < 0
    assert builds.running(tmp_path) == frozenset()
    assert [one.out for one in found(tmp_path, finished=False)] == ["/o"]
    assert [one.folder for one in found(tmp_path)] == [Path("/.o.tmp")]
    assert found(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b'{"out": "/sets', b"nonsense\n"])
def test_an_announcement_that_says_nothing_is_no_build(tmp_path: Path, content: bytes) -> None:
    """A kill came before its first word."""
    path = tmp_path / "builds" / "0123.jsonl"
    path.parent.mkdir()
    path.write_bytes(content)
    assert found(tmp_path) == []
    assert not path.exists()


def test_a_disk_that_takes_no_announcement_builds_nothing(tmp_path: Path) -> None:
    """What is not announced would not be found."""
    (tmp_path / "builds").write_text("a file")
    with pytest.raises(StoreError, match="announced"), builds.announced(tmp_path, ONE):
        pytest.fail("it must not begin")
