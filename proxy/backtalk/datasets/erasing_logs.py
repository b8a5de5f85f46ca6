"""Deletes the logs of runs that had rows of a person before them: what inspect and trainers noted word for word.

In: the runs and the datasets that an order has reached. Out: how many files went, and what stays for the operator. The
one rule: only files that Backtalk had written are deleted: inspect's logs beside the scores of an evaluation, and the
logs in a run's folder of a pipeline; what somebody still writes to is listed.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from backtalk.process import take_lock

_SCORES: Final = ("scores.json", "plan.json")
"""The files beside inspect's logs by which the folder of an evaluation is known."""
_INSPECT: Final = "inspect"
_INSPECT_SUFFIXES: Final = frozenset((".eval", ".json"))
_PIPELINES: Final = "pipelines"
_RUN_PARTS: Final = 4
"""`pipelines/<name>/runs/<run>` of the data directory."""
_LOGS: Final = "logs"


class LogsErased(NamedTuple):
    """What was done."""

    files: int
    not_reached: tuple[str, ...]


def erase_logs(data_dir: Path, paths: Iterable[str]) -> LogsErased:
    """Delete the logs of the runs to which these manifests and artefacts belong; may be repeated."""
    count, left = 0, list[str]()
    for folder, suffixes in sorted(_folders(data_dir, [Path(path).absolute() for path in paths])):
        if folder.is_symlink():  # whose the files behind it are is not known
            left.append(str(folder))
            continue
        for file in _files(folder):
            if suffixes and file.suffix not in suffixes:
                left.append(str(file))
                continue
            try:
                file.unlink(missing_ok=True)
                count += 1
            except OSError:
                left.append(str(file))
        if _is_written_to(data_dir, folder):
            left.append(str(folder))
    return LogsErased(count, tuple(left))


def _folders(data_dir: Path, paths: Sequence[Path]) -> set[tuple[Path, frozenset[str]]]:
    """The folders of logs, each with the ends of names that may be deleted there; none is any."""
    found: set[tuple[Path, frozenset[str]]] = set()
    for path in paths:
        if path.name == _SCORES[0] and (path.parent / _INSPECT).is_dir():
            found.add((path.parent / _INSPECT, _INSPECT_SUFFIXES))
        run = _run_of(data_dir, path)
        if run is not None:
            found.add((run / _LOGS, frozenset()))
            found |= {(scores.parent / _INSPECT, _INSPECT_SUFFIXES) for scores in run.rglob(_SCORES[0])}
    return {(folder, ends) for folder, ends in found if folder.is_dir() and _is_ours(folder)}


def _is_ours(folder: Path) -> bool:
    return folder.name == _LOGS or all((folder.parent / name).is_file() for name in _SCORES)


def _run_of(data_dir: Path, path: Path) -> Path | None:
    """The folder of a pipeline's run in which a path lies."""
    root = data_dir.absolute()
    if not path.is_relative_to(root / _PIPELINES) or ".." in path.parts:
        return None
    parts = path.relative_to(root).parts[:_RUN_PARTS]
    return root.joinpath(*parts) if len(parts) == _RUN_PARTS and parts[2] == "runs" else None


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file() or path.is_symlink())


def _is_written_to(data_dir: Path, folder: Path) -> bool:
    """Whether a process works there now, which may write more: an evaluation, or the pipeline."""
    run = _run_of(data_dir, folder / "x")
    locks = [folder.parent / "cases.jsonl"] if run is None else [run.parent.parent / "lock"]
    for lock in locks:
        if lock.is_file():
            descriptor = take_lock(lock)
            if descriptor is None:
                return True
            os.close(descriptor)
    return False
