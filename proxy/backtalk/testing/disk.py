"""The disk under a test: which files and directories were synced, and what happens before they are.

A power loss cannot be made in a test; whether the system was asked to sync what a promise stands on can be seen. The
syncs are real, unless `before` raises what a failing disk would.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Generator
from pathlib import Path


class Disk:
    """What was synced, in order; `before` is called with each path first."""

    def __init__(self) -> None:
        self.synced: list[Path] = []
        self.before: Callable[[Path], object] = healthy

    def sync(self, descriptor: int, really: Callable[[int], None]) -> None:
        """Sync one descriptor."""
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        self.before(path)
        really(descriptor)
        self.synced.append(path)


def healthy(path: Path) -> None:
    """As `Disk.before`: nothing happens."""
    del path


def failing(*paths: Path) -> Callable[[Path], None]:
    """As `Disk.before`: these paths fail as on a broken disk, all of them where none is named."""

    def fail(path: Path) -> None:
        if not paths or path in paths:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    return fail


@contextlib.contextmanager
def watched_disk() -> Generator[Disk]:
    """See the syncs of this process while the block runs."""
    disk, fsync, fdatasync = Disk(), os.fsync, os.fdatasync
    os.fsync = lambda fd: disk.sync(fd if isinstance(fd, int) else fd.fileno(), fsync)
    os.fdatasync = lambda fd: disk.sync(fd if isinstance(fd, int) else fd.fileno(), fdatasync)
    try:
        yield disk
    finally:
        os.fsync, os.fdatasync = fsync, fdatasync
