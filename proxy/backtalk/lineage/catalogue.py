"""What holds now: datasets, runs and names, as all records together say.

In: records in their order. Out: values, looked up by id, by the beginning of an id, or by name. Pure. The one rule: a
name of a dataset means its latest one; an id means one for ever.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from backtalk.errors import RequestError
from backtalk.lineage.records import (
    Body,
    DatasetBuilt,
    DatasetRetired,
    ProposalMade,
    ProposalRejected,
    Record,
    RefSet,
    RunRegistered,
)

_AnyBody = TypeVar("_AnyBody", bound=Body)


class Entry(NamedTuple):
    """A dataset with the record that says so."""

    record: Record
    built: DatasetBuilt
    retired: str | None
    """Why it is not used any more."""
    erased: DatasetRetired | None = None
    """By which order its rows were taken out and its files deleted, and what replaced it."""

    @property
    def document(self) -> dict[str, Any]:
        """The dataset as JSON."""
        said = {"number": self.record.number, "built_ns": self.record.at_ns, "actor": self.record.actor}
        by, after = (None, None) if self.erased is None else (self.erased.erasure_id, self.erased.replaced_by)
        told = {"retired": self.retired, "erased_by": by, "replaced_by": after}
        return {**msgspec.to_builtins(self.built), **said, **told}


class Proposal(NamedTuple):
    """A proposal with what became of it; the first word on it holds."""

    record: Record
    made: ProposalMade
    state: Literal["open", "promoted", "rejected"] = "open"
    decided: Record | None = None
    reason: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The proposal as JSON."""
        said = {"number": self.record.number, "made_ns": self.record.at_ns, "state": self.state, "reason": self.reason}
        by = None if self.decided is None else self.decided.number
        who = None if self.decided is None else self.decided.actor
        return {**msgspec.to_builtins(self.made), **said, "decided_by": who, "decided_in": by}


class Catalogue:
    """The view of a list of records."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = tuple(records)

    @property
    def datasets(self) -> Sequence[Entry]:
        """All datasets, the oldest first; one that was built again is where it was built last."""
        reasons = {body.dataset_id: body.reason for _, body in self._of(DatasetRetired)}
        erased = {body.dataset_id: body for _, body in self._of(DatasetRetired) if body.erasure_id}
        latest: dict[tuple[str, str], Entry] = {}
        for record, body in self._of(DatasetBuilt):
            latest.pop((body.dataset_id, body.name), None)
            reason, gone = reasons.get(body.dataset_id), erased.get(body.dataset_id)
            latest[body.dataset_id, body.name] = Entry(record, body, reason, gone)
        return list(latest.values())

    @property
    def places(self) -> Mapping[str, tuple[Record, DatasetBuilt]]:
        """Whose files stand at each manifest's path: those of the record that named it last."""
        return {body.manifest: (record, body) for record, body in self._of(DatasetBuilt)}

    @property
    def runs(self) -> Sequence[tuple[Record, RunRegistered]]:
        """All runs, the oldest first."""
        return self._of(RunRegistered)

    @property
    def refs(self) -> Mapping[str, tuple[Record, RefSet]]:
        """What each name means now."""
        return {body.name: (record, body) for record, body in self._of(RefSet)}

    @property
    def proposals(self) -> Sequence[Proposal]:
        """All proposals, the oldest first."""
        decided: dict[str, Proposal] = {}
        made = {body.proposal_id: Proposal(record, body) for record, body in self._of(ProposalMade)}
        for record in self._records:
            match record.body:
                case RefSet(proposal=str(name), reason=reason) if name in made:
                    decided.setdefault(name, made[name]._replace(state="promoted", decided=record, reason=reason))
                case ProposalRejected(proposal_id=name, reason=reason) if name in made:
                    decided.setdefault(name, made[name]._replace(state="rejected", decided=record, reason=reason))
                case _:
                    pass
        return list({**made, **decided}.values())

    def proposal(self, wanted: str) -> Proposal:
        """A proposal by its id, the beginning of it, or who made it; raises `RequestError`."""
        found = [one for one in self.proposals if one.made.made_by == wanted or _fits(one.made.proposal_id, wanted)]
        return _one(found[-1:], "proposal", wanted, [one.made.proposal_id for one in self.proposals])

    def erased_in(self, target: Mapping[str, str]) -> dict[str, Any]:
        """The datasets of a meaning that were erased since, its runs' too: by which order, and what replaced them."""
        erased = {entry.built.dataset_id: entry.erased for entry in self.datasets if entry.erased}
        used = {run.run_id: run.dataset_ids for _, run in self.runs}
        names = [name for value in target.values() for name in (value, *used.get(value, ()))]
        found = {name: erased[name] for name in names if name in erased}
        return {name: {"erased_by": one.erasure_id, "replaced_by": one.replaced_by} for name, one in found.items()}

    def history(self, name: str) -> Sequence[tuple[Record, RefSet]]:
        """What a name has meant, the oldest first; raises `RequestError` where it never meant anything."""
        found = [(record, body) for record, body in self._of(RefSet) if body.name == name]
        if not found:
            known = ", ".join(sorted(self.refs)) or "none yet"
            raise RequestError(f"no name {name!r} was set; there are: {known}", code="unknown_ref", param="name")
        return found

    def dataset(self, wanted: str) -> Entry:
        """A dataset by its id, the beginning of it, or its name (then the latest); raises `RequestError`."""
        found = [one for one in self.datasets if one.built.name == wanted][-1:]
        found = found or [one for one in self.datasets if _fits(one.built.dataset_id, wanted)]
        return _one(found, "dataset", wanted, [one.built.name for one in self.datasets])

    def run(self, wanted: str) -> tuple[Record, RunRegistered]:
        """A run by its id, the beginning of it, or its name (then the latest); raises `RequestError`."""
        found = [one for one in self.runs if one[1].name == wanted][-1:]
        found = found or [one for one in self.runs if _fits(one[1].run_id, wanted)]
        return _one(found, "run", wanted, [body.name for _, body in self.runs])

    def dataset_of(self, wanted: str) -> Entry:
        """A dataset, also where a run is named that used this one alone; raises `RequestError`."""
        if any(run.name == wanted or _fits(run.run_id, wanted) for _, run in self.runs):
            used = self.run(wanted)[1].dataset_ids
            if len(used) != 1:
                message = f"the run {wanted} used several datasets, name one: {', '.join(used)}"
                raise RequestError(message, code="unknown_dataset", param="dataset")
            return self.dataset(used[0])
        return self.dataset(wanted)

    def _of(self, kind: type[_AnyBody]) -> list[tuple[Record, _AnyBody]]:
        return [(record, record.body) for record in self._records if isinstance(record.body, kind)]


_AnyEntry = TypeVar("_AnyEntry")


def _fits(name: str, wanted: str) -> bool:
    return len(wanted) >= 4 and name.startswith(wanted)


def _one(found: Sequence[_AnyEntry], what: str, wanted: str, names: Iterable[str]) -> _AnyEntry:
    if len(found) == 1:
        return found[0]
    known = ", ".join(dict.fromkeys(names)) or "none yet"
    fits = f"several {what}s are" if found else f"no {what} is"
    raise RequestError(f"{fits} called {wanted!r}; there are: {known}", code=f"unknown_{what}", param=what)
