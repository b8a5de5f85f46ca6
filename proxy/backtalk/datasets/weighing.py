"""Fits weights to a ledger: reads the answers with a verdict, and says what came of it as a file.

In: a ledger. Out: a fit, and the text of a weights file. The one rule: too few verdicts are refused, and weights that
foretell held-out verdicts no better than the priors are not written.
"""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from backtalk.datasets.engine import Engine
from backtalk.datasets.fitting import Case, Fitting, fit_weights
from backtalk.datasets.gold import cases_of
from backtalk.datasets.progress import READING, Progress
from backtalk.datasets.prompts import read_chunk
from backtalk.datasets.queries.scope import Scope
from backtalk.datasets.recipe import Select
from backtalk.datasets.selection import Selection
from backtalk.datasets.weights import MOST, PRIORS
from backtalk.errors import SetupError

MIN_CASES: Final = 200
MIN_EACH: Final = 30
"""So many good answers, and so many bad ones, there must be."""
MAX_CASES: Final = 50_000
"""The oldest are taken; more would change the third digit."""


def weigh(ledger_root: Path, scope: Scope, progress: Progress) -> Fitting:
    """Fit the weights; `SetupError` where there is no ledger, or too few verdicts in it."""
    with tempfile.TemporaryDirectory() as aside, closing(Engine(ledger_root, Path(aside))) as engine:
        if not engine.versions:
            raise SetupError(f"there is no ledger in {ledger_root}: run `backtalk serve` first", code="no_ledger")
        cases = list(islice(_cases(Selection(engine, scope, progress), progress), MAX_CASES))
    good = sum(case.good for case in cases)
    if len(cases) < MIN_CASES or min(good, len(cases) - good) < MIN_EACH:
        message = (
            f"{len(cases)} answers have a label, an outcome or a review, {good} of them good; "
            f"a fit takes {MIN_CASES}, with {MIN_EACH} of each: the priors stand"
        )
        raise SetupError(message, code="too_few_verdicts")
    return fit_weights(cases, PRIORS)


def weights_text(fitting: Fitting) -> str:
    """The file that a recipe names."""
    lines = [
        f"# Fitted to {fitting.cases} answers of {fitting.sessions} sessions, {fitting.good} of them good.",
        f"# Log loss on held-out sessions: {fitting.before.log_loss:.4f} by the priors, {fitting.after.log_loss:.4f}.",
        "# Each with its 95% interval, and how many answers speak of it; all others are the priors.",
        "[weights]",
    ]
    for name, weight in fitting.weights.items():
        value = max(-MOST, min(MOST, weight.value))
        told = f"# {weight.low:.2f} to {weight.high:.2f}, {weight.cases} answers, prior {weight.prior:g}"
        lines.append(f'"{name}" = {value:.4f}  {told}')
    return "\n".join(lines) + "\n"


def _cases(selection: Selection, progress: Progress) -> Iterator[Case]:
    done = 0
    for rows in selection.chunks():
        chunk = read_chunk(rows, Select())
        sessions = {key: known.session for key, known in chunk.known.items()}
        yield from cases_of((prompt for _, prompt in chunk.prompts), sessions)
        done += len(rows.answers)
        progress(READING, done, selection.calls)
