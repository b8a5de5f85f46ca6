"""Finds runs by what people call them, and decides on what they propose.

In: a run's id, the beginning of one, or a pipeline's name (then its latest). Out: the run, or the record of a decision.
The one rule: what was proposed is promoted as it was measured, or not at all.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from backtalk.errors import RequestError
from backtalk.lineage import keeping
from backtalk.lineage.catalogue import Catalogue, Proposal
from backtalk.lineage.log import LineageLog
from backtalk.lineage.records import Record
from backtalk.pipeline import state_log
from backtalk.pipeline.events import RunState
from backtalk.pipeline.folders import Home, homes


class Found(NamedTuple):
    """A run and where it lies."""

    home: Home
    run: RunState

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.home.runs / self.run.run_id

    def document(self, proposals: Sequence[Proposal]) -> dict[str, Any]:
        """The run as JSON, with what became of its proposal."""
        made = self.run.finished.get("propose", {}).get("proposal")
        said = next((one.document for one in proposals if one.made.proposal_id == made), None)
        known = self.run.document(at_work=state_log.at_work(self.home, self.run))
        return {**known, "folder": str(self.folder), "proposal": said}


def all_runs(data_dir: Path) -> list[Found]:
    """Every run of every pipeline, the oldest first."""
    found = [Found(place, run) for place in homes(data_dir) for run in state_log.states(place)]
    return sorted(found, key=lambda one: one.run.began.at_ns)


def find(data_dir: Path, wanted: str) -> Found:
    """A run; raises `RequestError` where none or several are called so."""
    known = all_runs(data_dir)
    found = [one for one in known if one.home.name == wanted][-1:]
    found = found or [one for one in known if len(wanted) >= 4 and one.run.run_id.startswith(wanted)]
    if len(found) != 1:
        names = ", ".join(one.run.run_id for one in known[-10:]) or "none yet"
        fits = "several runs are" if found else "no run is"
        raise RequestError(f"{fits} called {wanted!r}; the latest are: {names}", code="unknown_run", param="run")
    return found[0]


def proposals(data_dir: Path) -> Sequence[Proposal]:
    """Every proposal in lineage."""
    return Catalogue(LineageLog(data_dir).records()).proposals


def promote(data_dir: Path, wanted: str, *, actor: str, reason: str) -> Record:
    """Let the name mean what the run proposes; raises `RequestError` where it proposes nothing, or not any more."""
    found = find(data_dir, wanted)
    proposal = _proposal_of(found)
    if found.run.pruned:
        message = f"what the run {found.run.run_id} made was deleted since (keep_runs): run the pipeline again"
        raise RequestError(message, code="run_pruned", status=409)
    return keeping.promote(data_dir, proposal, actor=actor, reason=reason)


def reject(data_dir: Path, wanted: str, *, actor: str, reason: str) -> Record:
    """Say no to what the run proposes; raises `RequestError` where it proposes nothing."""
    return keeping.reject(data_dir, _proposal_of(find(data_dir, wanted)), actor=actor, reason=reason)


def _proposal_of(found: Found) -> str:
    made = found.run.finished.get("propose", {}).get("proposal")
    if made is None:
        state = found.run.state(at_work=state_log.at_work(found.home, found.run))
        message = f"the run {found.run.run_id} proposes nothing: {state}"
        raise RequestError(message, code="no_proposal", status=409)
    return str(made)
