"""Small durable files: atomic replacement and the lock that says whether an owner lives.

The lock is flock'd and close-on-exec: the kernel frees it the moment its process is gone, whatever killed it.
"""

import fcntl
import os
from pathlib import Path

from backtalk.spool.segments import sync_directory


def replace(path: Path, content: bytes) -> None:
    """Write a file so that after any crash it holds either its old content or all of the new."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    sync_directory(path.parent)


def write_all(descriptor: int, content: bytes) -> None:
    """Write every byte or raise."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def take_lock(path: Path) -> int | None:
    """Lock a file for this process alone; None where another holds it. Closing the descriptor frees it."""
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
