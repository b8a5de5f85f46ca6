"""Processes: a child ends with its parent, a lock with its holder."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from backtalk.errors import SetupError
from backtalk.process import Inherited, is_locked, keep_private, own_data_dir, take_lock

CHILD = """
import os, sys, time
from backtalk.process import die_with_parent
if {kernel_is_silent}:
    sys.platform = "other"
die_with_parent(int(sys.argv[1]))
print("up", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("kernel_is_silent", [False, True])
def test_a_child_ends_when_the_pipe_of_its_parent_does(kernel_is_silent: bool) -> None:
    """Also on a system without parent-death signals, and where the parent was gone before the child asked."""
    read, write = os.pipe()
    code = CHILD.format(kernel_is_silent=kernel_is_silent)
    with subprocess.Popen([sys.executable, "-c", code, str(read)], stdout=subprocess.PIPE, pass_fds=[read]) as child:
        os.close(read)
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        os.close(write)
        assert child.wait(5) < 0


def test_descriptors_are_read_from_the_arguments() -> None:
    """Lifeline, ready and perhaps a listener; anything else is not how a child is started."""
    assert Inherited.parse([3, 4]) == Inherited(3, 4, None)
    assert Inherited.parse([3, 4, 5]) == Inherited(3, 4, 5)
    with pytest.raises(SetupError, match="backtalk serve"):
        Inherited.parse([])


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    """It is refused while held, free after, and asking changes nothing."""
    path = tmp_path / "lock"
    assert not is_locked(path)
    first = take_lock(path)
    assert first is not None
    assert is_locked(path)
    assert take_lock(path) is None
    os.close(first)
    assert not is_locked(path)
    second = take_lock(path)
    assert second is not None
    os.close(second)


def test_a_data_directory_that_others_may_write_into_is_refused(tmp_path: Path) -> None:
    """Whoever can put a secret or a link there reads everything."""
    os.close(own_data_dir(tmp_path / "mine"))
    tmp_path.chmod(0o777)

    with pytest.raises(SetupError, match="others on this machine"):
        own_data_dir(tmp_path)


def test_what_is_made_after_keep_private_is_ours_alone(tmp_path: Path) -> None:
    """Also what libraries make, which do not ask for a mode."""
    before = os.umask(0o022)
    try:
        keep_private()
        (tmp_path / "directory").mkdir()
        (tmp_path / "file").touch()
    finally:
        os.umask(before)

    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("directory", "file")] == [0o700, 0o600]
