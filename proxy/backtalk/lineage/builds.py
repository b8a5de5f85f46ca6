"""Builds that are under way, each announced in the data directory: so what a killed one leaves is found.

In: where a build writes. Out: which builds there are, and which of them have nobody any more. The one rule: an
announcement is there before the first text is written and until the dataset is registered, and locked while its build
lives.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Final

import msgspec

from backtalk.errors import StoreError
from backtalk.process import take_lock
from backtalk.spool.files import make_directory, write_all

DIRECTORY: Final = "builds"
_SUFFIX: Final = ".jsonl"
_DRAFT: Final = ".draft"


class Build(msgspec.Struct, frozen=True):
    """One build; its texts lie in the folder `hidden` beside `out` until it puts them in place."""

    out: str
    hidden: str
    is_file: bool
    actor: str
    pid: int
    manifest_sha256: str | None = None
    """Once everything is written and about to be put in place."""

    @property
    def folder(self) -> Path:
        """The hidden folder."""
        return Path(self.out).with_name(self.hidden)

    @property
    def is_ours(self) -> bool:
        """Whether the folder's name is one that a build gives: what is found under it may be deleted."""
        return self.hidden.startswith(f".{Path(self.out).name}.") and self.hidden.endswith(".tmp")


class Announced:
    """A build that lives."""

    def __init__(self, build: Build, descriptor: int) -> None:
        self.build = build
        self._descriptor = descriptor

    def complete(self, manifest_sha256: str) -> None:
        """Say what is about to be put in place, durable on return."""
        self.build = msgspec.structs.replace(self.build, manifest_sha256=manifest_sha256)
        _write(self._descriptor, self.build)


@contextlib.contextmanager
def announced(data_dir: Path, build: Build) -> Generator[Announced]:
    """Announce a build for as long as it takes; one that fails with its files in place stays announced."""
    path = data_dir / DIRECTORY / f"{secrets.token_hex(8)}{_SUFFIX}"
    draft = path.with_suffix(_DRAFT)
    try:
        make_directory(path.parent)
        descriptor = take_lock(draft)
        assert descriptor is not None  # noqa: S101 -- the name is new
        _write(descriptor, build)
        draft.rename(path)
    except OSError as error:
        raise StoreError(f"a build cannot be announced: {error.strerror}", code="build_not_announced") from error
    one, done = Announced(build, descriptor), False
    try:
        yield one
        done = True
    finally:
        if done or one.build.manifest_sha256 is None:
            path.unlink(missing_ok=True)
        os.close(descriptor)


def running(data_dir: Path) -> frozenset[str]:
    """The names of the builds that live."""
    return frozenset(path.name for path in _paths(data_dir) if not _is_free(path))


def tidy(data_dir: Path, finish: Callable[[Build], bool]) -> None:
    """Have each build finished that nobody works at any more; where that says False, it is asked again next time."""
    for path in _paths(data_dir):
        descriptor = take_lock(path)
        if descriptor is None:
            continue
        try:
            build = _read(path)
            if build is None or finish(build):
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _paths(data_dir: Path) -> Iterator[Path]:
    yield from (path for path in (data_dir / DIRECTORY).glob("*") if path.suffix in (_SUFFIX, _DRAFT))


def _is_free(path: Path) -> bool:
    descriptor = take_lock(path)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is not None


def _write(descriptor: int, build: Build) -> None:
    write_all(descriptor, msgspec.json.encode(build) + b"\n")
    os.fsync(descriptor)


def _read(path: Path) -> Build | None:
    """What was said last; None where a kill came before the first word, or the file is none of ours."""
    for line in reversed(path.read_bytes().split(b"\n")[:-1]):
        with contextlib.suppress(msgspec.MsgspecError):
            build = msgspec.json.decode(line, type=Build)
            return build if build.is_ours else None
    return None
