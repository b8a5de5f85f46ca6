"""A command ends with whoever asked for it, and so does all that it started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backtalk.guard import guarded
from backtalk.testing.waiting import wait_until

FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1] + ".tmp", "w").write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".tmp", sys.argv[1])
time.sleep(60)
"""
ASKER = """
import sys, time
from backtalk.guard import guarded
with guarded([sys.executable, "-c", sys.argv[2], sys.argv[1]], grace_s=float(sys.argv[3])):
    time.sleep(60)
"""


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("grace_s", ["0", "5"])
def test_a_killed_asker_leaves_nothing_behind(tmp_path: Path, grace_s: str) -> None:
    """Not the command, and not what the command had started; its whole group was killed, as a machine does it."""
    pids = tmp_path / "pids"
    words = [sys.executable, "-c", ASKER, str(pids), FAMILY, grace_s]
    with subprocess.Popen(words, start_new_session=True) as asker:
        wait_until(pids.exists, 20, what="the command")
        family = [int(pid) for pid in pids.read_text().split()]
        assert all(map(alive, family))
        os.killpg(asker.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(alive, family)), 20, what="the end of all")


def test_the_end_of_the_block_is_the_commands(tmp_path: Path) -> None:
    """With all that it started; asked twice, it is ended once."""
    pids = tmp_path / "pids"
    with guarded([sys.executable, "-c", FAMILY, str(pids)]) as command:
        wait_until(pids.exists, 20, what="the command")
        command.end()
        command.end()
        assert command.process.wait(20) == 128 + signal.SIGKILL
    family = [int(pid) for pid in pids.read_text().split()]
    wait_until(lambda: not any(map(alive, family)), 20, what="the end of all")


def test_one_that_has_grace_ends_in_its_own_order() -> None:
    """It hears of the end, and is waited for."""
    script = "trap 'echo ended; exit 3' TERM; echo ready; while :; do sleep 0.01; done"
    with guarded(["sh", "-c", script], grace_s=20) as command:
        assert command.process.stdout is not None
        assert command.process.stdout.readline() == b"ready\n"
        command.end()
        assert (command.process.stdout.read(), command.process.wait(20)) == (b"ended\n", 3)


def test_a_file_beside_the_command_is_no_module_of_the_guards(tmp_path: Path) -> None:
    """The command's folder is its owner's; what lies there is not run."""
    for name in ("signal", "subprocess", "backtalk"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)", encoding="utf-8")
    with guarded(["true"], cwd=tmp_path) as command:
        assert command.process.wait(20) == 0


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ([sys.executable, "-c", "raise SystemExit(7)"], 7, b""),
        ([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], 128 + signal.SIGKILL, b""),
        (["no-such-program"], 127, b"no-such-program cannot be started: No such file or directory\n"),
    ],
)
def test_the_status_is_the_commands(command: list[str], status: int, said: bytes) -> None:
    """Also of one that was killed, and of one that is not there."""
    with guarded(command) as running:
        assert running.process.stdout is not None
        assert (running.process.stdout.read(), running.process.wait(20)) == (said, status)
