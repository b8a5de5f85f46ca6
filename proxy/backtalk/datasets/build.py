"""Builds a dataset file and its manifest from the ledger.

In: the ledger's root. Out: two files, each replaced as a whole. The one rule: the tables are pinned to the versions
that the manifest names before anything is read, so the same versions always give the same bytes. What a running
`backtalk serve` has not committed yet is not in it; the report says up to when it reaches.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import backtalk
from backtalk import clock
from backtalk.datasets.dpo import Pairs, pairs
from backtalk.datasets.manifest import content_of, manifest
from backtalk.datasets.select import select
from backtalk.errors import SetupError
from backtalk.ledger.reader import LedgerReader

MIN_PROBABILITY: Final = 0.5
"""Edits that are less likely than this make no row."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a build did; `sentence` is for a person."""

    file: Path
    manifest: Path
    rows: int
    from_corrections: int
    from_edits: int
    left_out: dict[str, int]
    newest_call_ns: int | None

    @property
    def sentence(self) -> str:
        """One or two sentences: what was written, what was left out, up to when it reaches."""
        parts = f"{self.from_corrections} from corrections, {self.from_edits} from edits"
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
        left_out = f" Left out: {reasons}." if reasons else ""
        where = f"{self.file}, up to {self._until()}; the facts behind each in {self.manifest}"
        pairs_made = "1 pair" if self.rows == 1 else f"{self.rows} pairs"
        return f"{pairs_made} ({parts}) in {where}.{left_out}"

    def _until(self) -> str:
        if self.newest_call_ns is None:
            return "no call yet"
        return datetime.fromtimestamp(self.newest_call_ns / clock.NS_PER_S, UTC).strftime("the call of %F %T UTC")


def build_dpo(ledger_root: Path, out: Path, *, min_probability: float = MIN_PROBABILITY) -> Report:
    """Write preference pairs to `out` and their manifest beside it; `SetupError` where there is no ledger."""
    reader = LedgerReader(ledger_root).pinned()
    tables = reader.versions()
    if not tables:
        raise SetupError(f"there is no ledger in {ledger_root}: run `backtalk serve` first", code="no_ledger")
    made = pairs(select(reader, min_probability=min_probability))
    newest = reader.recent_calls(limit=1)
    newest_ns = int(newest[0]["opened_ns"]) if newest else None
    document = manifest(
        made,
        file_name=out.name,
        tables={str(name): tables[name] for name in sorted(tables)},
        parameters={"min_probability": min_probability},
        code_version=backtalk.__version__,
        newest_call_ns=newest_ns,
        created_ns=clock.now().wall_ns,
    )
    beside = out.with_name(f"{out.name}.manifest.json")
    _write(out, content_of(made))
    _write(beside, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())
    return _report(out, beside, made, document, newest_ns)


def _report(out: Path, beside: Path, made: Pairs, document: dict[str, Any], newest_ns: int | None) -> Report:
    return Report(
        file=out,
        manifest=beside,
        rows=len(made.pairs),
        from_corrections=sum(bool(pair.feedback_ids) for pair in made.pairs),
        from_edits=sum(not pair.feedback_ids for pair in made.pairs),
        left_out=document["left_out"]["count_by_reason"],
        newest_call_ns=newest_ns,
    )


def _write(path: Path, content: bytes) -> None:
    """Replace a file so that it holds either its old content or all of the new."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SetupError(f"cannot write {path}: {error.strerror}", code="cannot_write") from error
