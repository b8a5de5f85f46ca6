"""Durable directories and small durable files: after a crash a file holds its old content or the new."""

import os
from pathlib import Path

from backtalk.spool.segments import sync_directory


def replace(path: Path, content: bytes) -> None:
    """Write a file so that after any crash it holds either its old content or all of the new; one writer a file."""
    temporary = path.with_name(f".{path.name}.tmp")
    descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    sync_directory(path.parent)


def make_directory(path: Path) -> None:
    """Make a private directory, and its parents where they are missing, their names durable on return."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_directory(path.parent)


def write_all(descriptor: int, content: bytes) -> None:
    """Write every byte or raise."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
