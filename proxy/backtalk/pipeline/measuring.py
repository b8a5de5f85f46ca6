"""Asks a model what the evaluation asks, and compares two models that were asked.

In: a dataset, where a model answers, scorers. Out: scores, and the gain of one model over another on the same rows. The
one rule: `backtalk.evaluation` measures as the pipeline says; what it had scored before a kill is not asked again.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from backtalk.errors import RequestError, UpstreamError
from backtalk.evaluation.comparison import compare
from backtalk.evaluation.judging import load_prompt
from backtalk.evaluation.kept import PLAN
from backtalk.evaluation.plan import Judge, Plan
from backtalk.evaluation.run import evaluate
from backtalk.evaluation.scores import Scores, read_scores
from backtalk.pipeline.definition import Pipeline

_SAID_CASES: Final = 100


class Served(NamedTuple):
    """Where a model can be asked."""

    base_url: str
    model: str


class Gain(NamedTuple):
    """By how much the trained model scores better on the same rows, with its 95% interval."""

    scorer: str
    estimate: float
    low: float
    high: float
    n: int
    current: float | None = None
    """The mean score of the model in use on these rows."""
    candidate: float | None = None


def plan_of(pipeline: Pipeline, dataset: Path, served: Served) -> Plan:
    """What is to be asked, and how it is scored."""
    asked = pipeline.evaluate
    prompt = None if asked.judge_prompt is None else pipeline.folder / asked.judge_prompt
    return Plan(
        dataset=dataset,
        model=served.model,
        base_url=served.base_url,
        scorers=asked.scorers,
        judge=None if asked.judge is None else Judge(asked.judge, load_prompt(prompt)),
        params=asked.params,
        limit=asked.limit,
        concurrency=asked.concurrency,
        key_env=asked.api_key_env,
    )


def measure(plan: Plan, out: Path, ledger: Path, say: Callable[[str], None]) -> Scores:
    """Ask every row; the scores lie in `out`. `ledger` tells which rows are of one person."""
    _make_way(plan, out)
    told: list[int] = []

    def progress(done: int, total: int) -> None:
        if not told or done >= told[-1] + _SAID_CASES or (done == total and told[-1] != done):
            told[:] = [done]
            say(f"{plan.model}: {done} of {total} cases")

    return evaluate(plan, out, ledger=ledger, progress=progress)


Measure = Callable[[Plan, Path, Path, Callable[[str], None]], Scores]
"""What `measure` does, for a run that measures otherwise."""


def whole(scores: Scores, max_error_share: float) -> Scores:
    """The scores; raises `UpstreamError` where so many rows got no answer that it would be said of the provider."""
    cases = len(scores.cases)
    if scores.errors > max_error_share * cases:
        first = next((case.error for case in scores.cases if case.error), "")
        message = f"{scores.model}: {scores.errors} of {cases} rows got no answer ({first}); they are asked again"
        raise UpstreamError(message, code="evaluation_incomplete")
    return scores


def _make_way(plan: Plan, out: Path) -> None:
    """Scores that were begun at another URL (a server's port changes) are none of this plan's."""
    known = out / PLAN
    if known.is_file():
        said: dict[str, Any] = json.loads(known.read_bytes())
        if said.get("base_url") != plan.base_url:
            shutil.rmtree(out)


def gain(scorer: str, current: Path, candidate: Path) -> Gain:
    """The candidate's gain by one scorer; raises `RequestError` where the two cannot be compared."""
    found = compare(read_scores(current), read_scores(candidate)).scorers.get(scorer)
    if found is None:
        raise RequestError(f"the scorer {scorer} is not in both evaluations", code="not_comparable")
    low, high = found.interval
    return Gain(scorer, found.difference or 0.0, low, high, found.n, found.current, found.candidate)
