"""What has been scored so far, so that an evaluation that was stopped asks nothing twice.

In: scored cases, one at a time. Out: those of an earlier start. The one rule: a line is on disk before the next case
counts as done, and a folder that holds another plan's scores is refused.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from backtalk.errors import RequestError
from backtalk.evaluation.scores import CaseScores
from backtalk.spool.files import make_directory, replace, write_all

PLAN: Final = "plan.json"
CASES: Final = "cases.jsonl"
_decoder: Final = msgspec.json.Decoder(CaseScores)


class Kept:
    """The scored cases in a folder, by their hashes."""

    def __init__(self, descriptor: int, scored: dict[str, CaseScores]) -> None:
        self._descriptor = descriptor
        self.scored: Final = scored

    def add(self, case: CaseScores) -> None:
        """Keep a case; durable on return. One with an error is not kept: it is asked again."""
        if case.error is None:
            write_all(self._descriptor, msgspec.json.encode(case) + b"\n")
            os.fsync(self._descriptor)
            self.scored[case.sha256] = case


@contextlib.contextmanager
def kept(folder: Path, fingerprint: Mapping[str, Any]) -> Generator[Kept]:
    """Take a folder for one plan; raises `RequestError` where it holds another's, or another process has it."""
    make_directory(folder)
    descriptor = os.open(folder / CASES, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RequestError(f"another evaluation is writing to {folder}", code="evaluation_busy") from error
        _claim(folder, fingerprint)
        yield Kept(descriptor, _read(descriptor))
    finally:
        os.close(descriptor)


def _claim(folder: Path, fingerprint: Mapping[str, Any]) -> None:
    mine = json.dumps(fingerprint, sort_keys=True, indent=1).encode()
    file = folder / PLAN
    if not file.exists():
        replace(file, mine)
    elif file.read_bytes() != mine:
        message = f"{folder} holds another evaluation ({file} says which); name another folder with --out"
        raise RequestError(message, code="other_evaluation", param="out")


def _read(descriptor: int) -> dict[str, CaseScores]:
    """The whole lines; what a kill left of the last one is cut off."""
    content = b""
    while piece := os.pread(descriptor, 1 << 20, len(content)):
        content += piece
    whole = content[: content.rfind(b"\n") + 1]
    os.ftruncate(descriptor, len(whole))
    cases = (_decoder.decode(line) for line in whole.splitlines())
    return {case.sha256: case for case in cases}
