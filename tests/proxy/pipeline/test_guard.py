"""A command ends with whoever asked for it, and so does all that it started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from backtalk.testing.waiting import wait_until

FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1] + ".tmp", "w").write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".tmp", sys.argv[1])
time.sleep(60)
"""
ASKER = """
import os, subprocess, sys, time
read, write = os.pipe()
guard = [sys.executable, "-m", "backtalk.pipeline.guard", str(read), sys.executable, "-c", sys.argv[2], sys.argv[1]]
subprocess.Popen(guard, pass_fds=[read])
os.close(read)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_asker_leaves_nothing_behind(tmp_path: Path) -> None:
    """Not the command, and not what the command had started."""
    pids = tmp_path / "pids"
    with subprocess.Popen([sys.executable, "-c", ASKER, str(pids), FAMILY]) as asker:
        wait_until(pids.exists, 20, what="the command")
        family = [int(pid) for pid in pids.read_text().split()]
        assert all(map(alive, family))
        asker.kill()
    wait_until(lambda: not any(map(alive, family)), 20, what="the end of all")


def guarded(*command: str) -> int:
    """The status of a guarded command whose asker lives."""
    read, write = os.pipe()
    words = [sys.executable, "-m", "backtalk.pipeline.guard", str(read), *command]
    try:
        return subprocess.run(words, pass_fds=[read], check=False, stderr=subprocess.DEVNULL, timeout=30).returncode
    finally:
        os.close(read)
        os.close(write)


def test_the_status_is_the_commands() -> None:
    """Also of one that was killed, and of one that is not there."""
    assert guarded(sys.executable, "-c", "raise SystemExit(7)") == 7
    assert guarded(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)") == 128 + signal.SIGKILL
    assert guarded("no-such-program") == 127
