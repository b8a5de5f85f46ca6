"""Snapshot files: one for each process life in one directory, so that no count dies with its process or counts twice.

In: snapshots, each written atomically by its own process. Out: the merged figures of all lives, dead ones included.
When many files of dead processes lie about, a reader folds them into one file that names what it absorbed; a crash
between that write and the removals is harmless, for readers pass over what was absorbed.
"""

import fcntl
import logging
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from backtalk.telemetry.snapshot import Snapshot, merge

SUFFIX: Final = ".metrics"
_FOLDED: Final = "folded"
_KEEP_DEAD: Final = 32
_TRIES: Final = 8
_encode: Final = msgspec.msgpack.Encoder().encode
_decoder: Final[msgspec.msgpack.Decoder[Snapshot]] = msgspec.msgpack.Decoder(Snapshot)
_log = logging.getLogger(__name__)


class _Seen(NamedTuple):
    """What a directory held at one moment."""

    folded: Snapshot | None
    live: Sequence[Snapshot]
    dead: Sequence[Snapshot]

    def merged(self) -> Snapshot:
        return merge("all", self.live, [*self.dead, *([self.folded] if self.folded else [])])


def write(directory: Path, snapshot: Snapshot) -> None:
    """Put a snapshot in the place of the life's earlier one."""
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{snapshot.life}{SUFFIX}"
    draft = target.with_suffix(f".{os.getpid()}.draft")
    draft.write_bytes(_encode(snapshot))
    draft.replace(target)


def read_all(directory: Path) -> Snapshot:
    """The figures of every process life of this installation's run, live or dead; empty where there is no file."""
    seen = _look(directory)
    for _ in range(_TRIES):
        if _folded_of(directory) == seen.folded:
            break
        seen = _look(directory)  # files were folded between our reads, so some may have been missed
    if len(seen.dead) > _KEEP_DEAD:
        _fold(directory)
    return seen.merged()


def sweep(directory: Path) -> None:
    """Forget all dead processes; the supervisor calls this once, before it starts the processes of a new run."""
    with _sole_writer(directory) as sole:
        if not sole:
            return
        kept = {snapshot.life for snapshot in _look(directory).live} | {_FOLDED}
        for path in (*directory.glob(f"*{SUFFIX}"), *directory.glob("*.draft")):
            if path.stem not in kept:
                path.unlink(missing_ok=True)
        _path(directory, _FOLDED).unlink(missing_ok=True)  # last: what it absorbed must not count again


def birth_of(pid: int) -> str:
    """What tells a process from a later one with the same pid: its start in clock ticks; empty where unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        return stat.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_alive(snapshot: Snapshot) -> bool:
    if snapshot.birth:
        return birth_of(snapshot.pid) == snapshot.birth
    try:
        os.kill(snapshot.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _look(directory: Path) -> _Seen:
    folded = _folded_of(directory)
    absorbed = set(folded.absorbed) if folded else set[str]()
    live: list[Snapshot] = []
    dead: list[Snapshot] = []
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        if path.stem != _FOLDED and path.stem not in absorbed and (snapshot := _read(path)) is not None:
            (live if _is_alive(snapshot) else dead).append(snapshot)
    return _Seen(folded, live, dead)


def _fold(directory: Path) -> None:
    """Put all dead files into one; only one reader does so at a time."""
    with _sole_writer(directory) as sole:
        if not sole:
            return
        seen = _look(directory)
        if not seen.dead:
            return
        lives = tuple(snapshot.life for snapshot in seen.dead)
        whole = merge(_FOLDED, (), [*seen.dead, *([seen.folded] if seen.folded else [])])
        left_over = tuple(life for life in (seen.folded.absorbed if seen.folded else ()) if _exists(directory, life))
        write(directory, msgspec.structs.replace(whole, absorbed=left_over + lives))
        for life in left_over + lives:
            _path(directory, life).unlink(missing_ok=True)


@contextmanager
def _sole_writer(directory: Path) -> Generator[bool]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "fold.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _folded_of(directory: Path) -> Snapshot | None:
    return _read(_path(directory, _FOLDED))


def _read(path: Path) -> Snapshot | None:
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        _log.warning("a metrics file cannot be read", extra={"path": str(path), "reason": str(error)})
        return None


def _path(directory: Path, life: str) -> Path:
    return directory / f"{life}{SUFFIX}"


def _exists(directory: Path, life: str) -> bool:
    return _path(directory, life).exists()
