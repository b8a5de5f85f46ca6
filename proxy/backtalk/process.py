"""What the processes of one `backtalk serve` share: dying with the parent, locks that die with their holder.

In: descriptors that the parent passed on. The one rule: no child outlives its parent, also when that is killed.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import stat
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from backtalk.errors import SetupError

_PR_SET_PDEATHSIG: Final = 1


class Inherited(NamedTuple):
    """The descriptors that the supervisor hands to a child: `_child <kind> <lifeline> <ready> [<listener>]`."""

    lifeline: int
    ready: int
    listener: int | None = None

    @classmethod
    def parse(cls, descriptors: Sequence[int]) -> Self:
        """Read the arguments of `_child`; raises `SetupError` where they are not two or three."""
        if len(descriptors) not in (2, 3):
            raise SetupError("`_child` is started by `backtalk serve` only", code="not_a_child")
        return cls(*descriptors)

    def say_ready(self) -> None:
        """Tell the supervisor that this process does its work now."""
        with contextlib.suppress(OSError):
            os.write(self.ready, b"r")


def die_with_parent(lifeline: int) -> None:
    """End this process the moment its parent is gone; to be called first of all.

    The kernel kills it (Linux); beside that a thread waits for the end of the pipe that the parent holds open, which
    also covers a parent that was gone before this call, and systems without such a signal.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    threading.Thread(target=_wait_for_end, args=(lifeline,), name="lifeline", daemon=True).start()


def keep_private() -> None:
    """Let nobody else on the machine read or change the files that this process and its children make."""
    os.umask(0o077)


def own_data_dir(data_dir: Path) -> int:
    """Make the data directory and lock it for one `serve`; raises `SetupError` where others could write into it."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = data_dir.stat()
        if info.st_uid not in (0, os.geteuid()) or info.st_mode & stat.S_IWOTH:
            message = f"others on this machine may write into {data_dir}; make it yours: chown, and chmod o-w"
            raise SetupError(message, code="bad_data_dir")
        lock = take_lock(data_dir / "lock")
    except OSError as error:
        raise SetupError(f"cannot use the data directory {data_dir}: {error.strerror}", code="bad_data_dir") from error
    if lock is None:
        raise SetupError(f"another `backtalk serve` uses {data_dir}; choose another --data-dir", code="data_dir_in_use")
    return lock


def take_lock(path: Path) -> int | None:
    """Lock a file for this process alone; None where another holds it. Closing the descriptor frees it.

    It is flock'd and close-on-exec: the kernel frees it when its process is gone, whatever ended it.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock; asking does not disturb others who ask."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _wait_for_end(lifeline: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(lifeline, 1):
            pass
    os.kill(os.getpid(), signal.SIGKILL)
