"""Small files: old content or new after any end, directories and names on disk on return."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from backtalk.spool.files import make_directory, replace, write_all
from backtalk.testing.disk import Disk

REPLACER: Final = """
import sys
from pathlib import Path
from backtalk.spool.files import replace

path = Path(sys.argv[1])
print("begun", flush=True)
while True:
    for letter in (b"a", b"b"):
        replace(path, letter * 100_000)
"""
FULL_DISK: Final = """
import os, resource, signal, sys
from pathlib import Path
from backtalk.spool.files import replace, write_all

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
try:
    WHAT
except OSError as error:
    print(error.strerror)
"""


def with_room_for_100_bytes(what: str, path: Path) -> bytes:
    """Run a line in a process whose files can have 100 bytes; gives the error's text."""
    words = [sys.executable, "-c", FULL_DISK.replace("WHAT", what), str(path)]
    return subprocess.run(words, check=True, capture_output=True).stdout


def test_a_killed_replacement_leaves_one_of_its_contents(tmp_path: Path) -> None:
    """SIGKILL in the midst of it: the file has all of the old bytes or all of the new ones."""
    path = tmp_path / "file"
    replace(path, b"a" * 100_000)
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", REPLACER, str(path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            seen = {path.read_bytes() for _ in range(200)}
            child.kill()
        assert {*seen, path.read_bytes()} <= {b"a" * 100_000, b"b" * 100_000}


def test_what_a_kill_left_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    """Half of an earlier replacement lies under another name, and the next one takes its place."""
    path = tmp_path / "file"
    (tmp_path / ".file.tmp").write_bytes(b"half of something longer")
    replace(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208 -- names alone


def test_the_content_is_synced_before_its_name_and_the_name_before_the_return(tmp_path: Path, disk: Disk) -> None:
    """A power loss at any moment finds the old name or the new content under it."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    seen: list[tuple[str, bytes]] = []
    disk.before = lambda synced: seen.append((synced.name, path.read_bytes()))
    replace(path, b"new")
    assert seen == [(".file.tmp", b"old"), (tmp_path.name, b"new")]


def test_a_replaced_file_is_private(tmp_path: Path) -> None:
    """Nobody else on the machine reads it."""
    replace(tmp_path / "file", b"x")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_a_full_disk_leaves_the_old_content(tmp_path: Path) -> None:
    """An error is raised, and what was there stays."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    assert with_room_for_100_bytes("replace(Path(sys.argv[1]), bytes(1000))", path) == b"File too large\n"
    assert path.read_bytes() == b"old"


def test_a_short_write_goes_on_until_it_fails(tmp_path: Path) -> None:
    """The system may take a part; the rest is tried, and where it is refused that is said."""
    path = tmp_path / "file"
    line = "write_all(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), bytes(1000))"
    assert with_room_for_100_bytes(line, path) == b"File too large\n"
    assert path.stat().st_size == 100


def test_all_bytes_are_written(tmp_path: Path) -> None:
    """Also none."""
    with (tmp_path / "file").open("wb") as file:
        for content in (b"", b"abc", b"d" * 1_000_000):
            write_all(file.fileno(), content)
    assert (tmp_path / "file").read_bytes() == b"abc" + b"d" * 1_000_000


def test_a_directory_and_its_parents_are_private_and_their_names_synced(tmp_path: Path, disk: Disk) -> None:
    """Each new name is made durable in its parent; what is there already costs nothing."""
    make_directory(tmp_path / "a" / "b")
    make_directory(tmp_path / "a" / "b")
    assert disk.synced == [tmp_path, tmp_path / "a"]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a", tmp_path / "a" / "b")} == {0o700}
