"""`scores.json`: what an evaluation found, case by case and in sum.

In: scored cases. Out: the document, and the file. The one rule: equal cases give equal bytes, in the dataset's order;
no text of a case stands in it. Errors are counted beside the scores and never as one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from backtalk.errors import RequestError
from backtalk.evaluation.statistics import mean
from backtalk.spool.files import replace

FILE: Final = "scores.json"
UNPARSABLE: Final = "unparsable"
"""What stands for a verdict that the judge did not give in the form that was asked for."""


class CaseScores(msgspec.Struct, frozen=True):
    """One case: its row in the dataset, the call that answered it, and its scores.

    A score is between 0 and 1, None where a scorer has nothing to say of the case, or `unparsable`.
    """

    sha256: str
    row: int
    group: int
    """Cases of one user, session or trace share it."""
    scores: Mapping[str, float | str | None] = {}
    trace_id: str | None = None
    span_id: str | None = None
    error: str | None = None
    """What the provider, or the judge's, said in place of an answer."""

    def score(self, scorer: str) -> float | None:
        """The score as a number; None for anything else."""
        found = self.scores.get(scorer)
        return None if isinstance(found, str) or found is None else float(found)


class ScorerFigures(msgspec.Struct, frozen=True):
    """What one scorer says of all cases."""

    n: int
    mean: float | None
    interval: tuple[float, float]
    """95%, by groups of cases."""
    groups: int
    unparsable: int = 0


class JudgeUsed(msgspec.Struct, frozen=True):
    """Who judged, and by which words."""

    model: str
    prompt_sha256: str
    prompt_version: str = ""


class Scores(msgspec.Struct, frozen=True):
    """One evaluation."""

    dataset_id: str
    dataset_name: str
    model: str
    base_url: str
    params: Mapping[str, Any]
    judge: JudgeUsed | None
    scorers: Mapping[str, ScorerFigures]
    errors: int
    cases: tuple[CaseScores, ...]
    schema_sha256: str | None = None

    @property
    def metrics(self) -> dict[str, float]:
        """The means and counts as flat figures, as a run registers them."""
        figures = {f"{name}.mean": one.mean for name, one in self.scorers.items() if one.mean is not None}
        counts = {f"{name}.n": float(one.n) for name, one in self.scorers.items()}
        return figures | counts | {"errors": float(self.errors), "cases": float(len(self.cases))}


def summed(scorers: Sequence[str], cases: Sequence[CaseScores]) -> dict[str, ScorerFigures]:
    """The figures of each scorer."""
    return {name: _figures(name, cases) for name in scorers}


def write_scores(folder: Path, scores: Scores) -> Path:
    """Write the document, durable on return."""
    file = folder / FILE
    replace(file, msgspec.json.format(msgspec.json.encode(scores), indent=1) + b"\n")
    return file


def read_scores(path: Path) -> Scores:
    """The evaluation in a folder, or of its `scores.json`; raises `RequestError` where there is none."""
    file = path / FILE if path.is_dir() else path
    try:
        return msgspec.json.decode(file.read_bytes(), type=Scores)
    except OSError as error:
        raise RequestError(f"there is no evaluation at {path}: {error.strerror}", code="no_evaluation") from error
    except msgspec.MsgspecError as error:
        raise RequestError(f"{file} is not an evaluation's scores: {error}", code="no_evaluation") from error


def _figures(name: str, cases: Sequence[CaseScores]) -> ScorerFigures:
    scored = [(value, case.group) for case in cases if (value := case.score(name)) is not None]
    found = mean([value for value, _ in scored], [group for _, group in scored])
    unparsable = sum(case.scores.get(name) == UNPARSABLE for case in cases)
    value = None if found.value is None else round(found.value, 6)
    return ScorerFigures(found.n, value, (round(found.low, 6), round(found.high, 6)), found.groups, unparsable)
