"""Checks that nothing of the lineage was changed: the chain, the kept manifests, the files of datasets.

In: a data directory, and a hash that somebody noted elsewhere. Out: what was found, each a sentence. The one rule:
everything is read and hashed anew, and the check goes on behind a finding. Who may rewrite the whole directory can
write another chain: only a head that is kept elsewhere finds that.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.lineage.manifests import kept_path
from backtalk.lineage.records import ORIGIN, DatasetBuilt, DatasetRetired, Record, read

_Place = tuple[str, str]
"""A dataset's id and its manifest's path."""


class Verdict(NamedTuple):
    """What was checked, and what was found; nothing found is a whole lineage."""

    records: int
    files: int
    head: str
    findings: tuple[str, ...]
    replaced: tuple[str, ...] = ()
    """Datasets whose files are gone since a later one was written in their place: no finding."""


def verify(data_dir: Path, *, noted_head: str | None = None) -> Verdict:
    """Check everything; `noted_head` is the hash of one of the records when nothing before it changed."""
    log = LineageLog(data_dir)
    lines = log.lines()
    records = [record for line in lines if (record := _readable(line)) is not None]
    findings = [*_chain(lines), *_ending(log, lines)]
    if noted_head is not None and noted_head not in {record.hash for record in records}:
        findings.append(f"no record has the hash {noted_head}: the log is not the one whose head was noted")
    replaced = _replaced(records)
    checked = [(built, path, sha256) for built in _used(records, replaced) for path, sha256 in _files(data_dir, built)]
    for built, path, sha256 in checked:
        if problem := _problem(path, sha256):
            findings.append(f"{built.name} ({built.dataset_id}): {path} {problem}")
    head = records[-1].hash if records else ORIGIN
    return Verdict(len(lines), len(checked), head, tuple(findings), tuple(replaced.values()))


def _chain(lines: Sequence[bytes]) -> Iterator[str]:
    before = ORIGIN
    for number, line in enumerate(lines, start=1):
        try:
            record = read(line)
        except ValueError as error:
            yield f"record {number} was changed: {error}"
            before = ""
            continue
        if record.number != number:
            yield f"record {number} says that it is {record.number}: records were removed, added or moved"
        if before and record.prev_hash != before:
            yield f"record {number} does not follow record {number - 1}: one of them was replaced"
        before = record.hash


def _ending(log: LineageLog, lines: Sequence[bytes]) -> Iterator[str]:
    head = log.head()
    if head is None:
        if lines:
            yield f"there is no {log.directory / 'head'}: records may be missing at the end"
        return
    number, name = head
    if number > len(lines):
        yield f"records {len(lines) + 1} to {number} are missing at the end"
    elif (record := _readable(lines[number - 1])) is not None and record.hash != name:
        yield f"record {number} is not the one that was acknowledged"
    elif len(lines) > number + 1:
        yield f"there are {len(lines)} records, and {number} were acknowledged"


def _used(records: Sequence[Record], replaced: Mapping[_Place, str]) -> Iterator[DatasetBuilt]:
    """All datasets, each once; of those that are retired or replaced only what lineage itself keeps."""
    retired = {record.body.dataset_id for record in records if isinstance(record.body, DatasetRetired)}
    for place, built in _built(records).items():
        is_gone = built.dataset_id in retired or place in replaced
        yield msgspec.structs.replace(built, files=()) if is_gone else built


def _replaced(records: Sequence[Record]) -> dict[_Place, str]:
    """Datasets whose place another one took later, each with a sentence."""
    holders = Catalogue(records).places
    return {
        place: f"{built.name} ({built.dataset_id}): {built.manifest} was replaced by {holder.dataset_id}"
        for place, built in _built(records).items()
        if (holder := holders[built.manifest][1]).dataset_id != built.dataset_id
    }


def _built(records: Sequence[Record]) -> dict[_Place, DatasetBuilt]:
    built = [record.body for record in records if isinstance(record.body, DatasetBuilt)]
    return {(one.dataset_id, one.manifest): one for one in built}


def _files(data_dir: Path, built: DatasetBuilt) -> Iterator[tuple[Path, str]]:
    yield kept_path(data_dir, built.manifest_sha256), built.manifest_sha256
    for file in built.files:
        yield Path(built.manifest).parent / file.path, file.sha256


def _problem(path: Path, sha256: str) -> str | None:
    try:
        with path.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if found == sha256 else "was changed"


def _readable(line: bytes) -> Record | None:
    try:
        return read(line)
    except ValueError:
        return None
