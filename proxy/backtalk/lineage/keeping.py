"""Says what is new: a dataset, its retirement, a run, what a name means, and the way back.

In: what a command or a build was told. Out: the record, durable. The one rule: what a record names exists, and whoever
says it gives a reason where somebody will ask for one.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from backtalk.errors import RequestError
from backtalk.lineage import manifests
from backtalk.lineage.catalogue import Catalogue, Proposal
from backtalk.lineage.log import LineageLog
from backtalk.lineage.records import (
    DatasetBuilt,
    DatasetRetired,
    ProposalMade,
    ProposalRejected,
    Record,
    RefSet,
    RunKind,
    RunRegistered,
)

MAX_NAME_CHARS = 128


def register_dataset(data_dir: Path, path: Path, *, actor: str, name: str | None = None) -> Record:
    """Register the dataset whose directory, manifest or file is named; registered already, its record comes back.

    Where another dataset stood at the same path, a new record says that this one took its place.
    """
    manifest = manifests.find(path)
    built = manifests.keep(data_dir, manifest, name=None if name is None else _name(name))
    log = LineageLog(data_dir)
    known = Catalogue(log.records())
    before = known.places.get(built.manifest)
    if before is not None and before[1].dataset_id != built.dataset_id:
        return log.append(msgspec.structs.replace(built, replaced=before[0].number), actor)
    for entry in known.datasets:
        if entry.built.dataset_id == built.dataset_id and entry.built.name == built.name:
            return entry.record
    return log.append(built, actor)


def retire_dataset(data_dir: Path, wanted: str, *, actor: str, reason: str) -> Record:
    """Say that a dataset is not used any more, so that the versions of tables that it names may go."""
    log = LineageLog(data_dir)
    entry = Catalogue(log.records()).dataset(wanted)
    return log.append(DatasetRetired(entry.built.dataset_id, _reason(reason)), actor)


def mark_erased(data_dir: Path, dataset_id: str, *, erasure_id: str, replaced_by: DatasetBuilt, actor: str) -> Record:
    """Say that a dataset's files are gone since rows were erased, and which one has the others."""
    reason = f"erased: {replaced_by.erased_rows} rows by order {erasure_id}; replaced by {replaced_by.dataset_id}"
    body = DatasetRetired(dataset_id, reason, erasure_id, replaced_by.dataset_id)
    return LineageLog(data_dir).append(body, actor)


def register_run(
    data_dir: Path,
    *,
    name: str,
    purpose: RunKind,
    datasets: Sequence[str],
    actor: str,
    artefact: str | None = None,
    artefact_sha256: str | None = None,
    base_model: str | None = None,
    trainer: str | None = None,
    config: Mapping[str, Any] | None = None,
    metrics: Mapping[str, float] | None = None,
) -> Record:
    """Register a run that used these datasets; a local artefact is hashed here."""
    log = LineageLog(data_dir)
    known = Catalogue(log.records())
    if not datasets:
        raise RequestError("name the datasets that the run used with --dataset", code="bad_run", param="dataset")
    body = RunRegistered(
        run_id=secrets.token_hex(8),
        name=_name(name),
        purpose=purpose,
        dataset_ids=tuple(known.dataset(wanted).built.dataset_id for wanted in datasets),
        base_model=base_model,
        trainer=trainer,
        artefact_uri=artefact,
        artefact_sha256=artefact_sha256 or (None if artefact is None else sha256_of(Path(artefact))),
        config=dict(config or {}),
        metrics=dict(metrics or {}),
    )
    return log.append(body, actor)


def set_ref(data_dir: Path, name: str, target: Mapping[str, str], *, actor: str, reason: str) -> Record:
    """Let a name mean something else from now on; datasets and runs in it are kept by their ids."""
    log = LineageLog(data_dir)
    known = Catalogue(log.records())
    if not target:
        raise RequestError("say what the name means, as PART=VALUE", code="bad_ref", param="target")
    meant = {part: _meant(known, part, value) for part, value in target.items()}
    before = known.refs.get(name)
    return log.append(RefSet(_name(name), meant, _reason(reason), None if before is None else before[0].number), actor)


def roll_back(data_dir: Path, name: str, *, actor: str, reason: str, to: int | None = None) -> Record:
    """Let a name mean again what it meant before, or what the record `to` says; the way there stays in the history."""
    log = LineageLog(data_dir)
    history = Catalogue(log.records()).history(name)
    now, _ = history[-1]
    earlier = {record.number: body for record, body in history[:-1]}
    wanted = _before(history) if to is None else to
    if wanted not in earlier:
        where = "farther" if wanted is None else f"to record {wanted}"
        allowed = f"it can to: {', '.join(map(str, earlier))}" if earlier else "it was set once"
        raise RequestError(f"{name} cannot go back {where}; {allowed}", code="bad_rollback", param="to")
    return log.append(RefSet(name, earlier[wanted].target, _reason(reason), now.number, wanted), actor)


def _before(history: Sequence[tuple[Record, RefSet]]) -> int | None:
    """The record before the one that holds: rolled back twice it goes back twice, not to and fro."""
    by_number = {record.number: body for record, body in history}
    holding = by_number[history[-1][0].number]
    if holding.rolled_back_to is None:
        return holding.replaced
    return by_number[holding.rolled_back_to].replaced


def propose(data_dir: Path, proposal: ProposalMade, *, actor: str) -> Record:
    """Propose that a name means other parts; made already, its record comes back."""
    log = LineageLog(data_dir)
    known = Catalogue(log.records())
    for one in known.proposals:
        if one.made.proposal_id == proposal.proposal_id:
            return one.record
    for run in (proposal.training_run, proposal.candidate_run, proposal.current_run):
        known.run(run)
    return log.append(msgspec.structs.replace(proposal, name=_name(proposal.name)), actor)


def promote(data_dir: Path, wanted: str, *, actor: str, reason: str) -> Record:
    """Let the name mean what a proposal says, its other parts kept.

    Raises `RequestError` where it is decided, or where the name was set to something else since it was made: what was
    measured then says nothing of what is in use now.
    """
    log = LineageLog(data_dir)
    known = Catalogue(log.records())
    made = _open(known, wanted).made
    before = known.refs.get(made.name)
    now = None if before is None else before[0].number
    if now != made.base:
        message = f"{made.name} was set since the proposal was made (record {now}, not {made.base}): run it again"
        raise RequestError(message, code="ref_moved", status=409)
    held = {} if before is None else dict(before[1].target)
    meant = {part: _meant(known, part, value) for part, value in made.parts.items()}
    return log.append(RefSet(made.name, held | meant, _reason(reason), now, None, made.proposal_id), actor)


def reject(data_dir: Path, wanted: str, *, actor: str, reason: str) -> Record:
    """Say no to a proposal; raises `RequestError` where it is decided."""
    log = LineageLog(data_dir)
    made = _open(Catalogue(log.records()), wanted).made
    return log.append(ProposalRejected(made.proposal_id, _reason(reason)), actor)


def _open(known: Catalogue, wanted: str) -> Proposal:
    found = known.proposal(wanted)
    if found.decided is not None:
        message = f"the proposal {found.made.proposal_id} was {found.state} in record {found.decided.number}"
        raise RequestError(message, code="already_decided", status=409)
    return found


def sha256_of(path: Path) -> str | None:
    """The sha256 of a local file, or of a directory's files with their names; None for what is not on this machine."""
    if path.is_file():
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    if not path.is_dir():
        return None
    whole = hashlib.sha256()
    for file in sorted(one for one in path.rglob("*") if one.is_file()):
        whole.update(f"{file.relative_to(path).as_posix()}\0{sha256_of(file)}\n".encode())
    return whole.hexdigest()


def _meant(known: Catalogue, part: str, value: str) -> str:
    if part.endswith("dataset"):
        return known.dataset(value).built.dataset_id
    return known.run(value)[1].run_id if part.endswith("run") else value


def _name(name: str) -> str:
    if not name.strip() or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise RequestError(f"a name must be printable, with 1 to {MAX_NAME_CHARS} characters", code="bad_name")
    return name


def _reason(reason: str) -> str:
    if not reason.strip() or len(reason) > 512 or not reason.isprintable():
        raise RequestError("say why with --reason, in 1 to 512 printable characters", code="bad_reason")
    return reason
