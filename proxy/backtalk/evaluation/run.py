"""Runs an evaluation: which cases are left to ask, how each is scored, and the document at the end.

In: a plan and a folder. Out: `Scores`, and `scores.json` with inspect's log in the folder. The one rule: what was
scored is kept at once, so a stop costs the answers that were under way and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from backtalk.evaluation import inspect_door, judging
from backtalk.evaluation.asking import Answered, Asker, NoAnswerError
from backtalk.evaluation.cases import Case, CaseSet, read_cases
from backtalk.evaluation.groups import grouped
from backtalk.evaluation.kept import Kept, kept
from backtalk.evaluation.plan import JUDGE, Plan, checked, fingerprint
from backtalk.evaluation.scorers import SCORERS
from backtalk.evaluation.scores import CaseScores, JudgeUsed, Scores, summed, write_scores
from backtalk.model.chat import Message
from backtalk.settings import key_variable
from backtalk.spool.files import make_directory

LOGS: Final = "inspect"
"""The folder of inspect's logs, beside the scores; they hold the texts of the cases."""
Progress = Callable[[int, int], None]
"""Hears how many cases are done, of how many."""


def evaluate(plan: Plan, out: Path, *, ledger: Path | None = None, progress: Progress | None = None) -> Scores:
    """Evaluate, or go on where an earlier start was stopped; `ledger` tells which cases are of one person.

    Raises `RequestError` for a plan, a dataset or a folder that cannot be used, `SetupError` where inspect_ai is not
    installed. A provider that fails raises nothing: its errors are in the scores.
    """
    checked(plan)
    found = read_cases(plan.dataset, plan.limit)
    key = None if plan.key_env is None else key_variable(plan.key_env, "--key-env")
    asker = Asker(plan.base_url, key, timeout_s=plan.timeout_s, attempts=plan.attempts)
    groups = dict(zip((case.sha256 for case in found.cases), grouped(found.cases, ledger), strict=True))
    with kept(out, fingerprint(plan, found.dataset_id)) as store:
        errors = _ask(plan, found, asker, store, groups, out, progress or _silent)
        cases = [_told(case, groups, store, errors) for case in found.cases]
    scores = _document(plan, found, cases)
    write_scores(out, scores)
    return scores


def _ask(
    plan: Plan,
    found: CaseSet,
    asker: Asker,
    store: Kept,
    groups: Mapping[str, int],
    out: Path,
    progress: Progress,
) -> dict[str, CaseScores]:
    """Ask what is not scored yet; gives the cases that got no answer."""
    errors: dict[str, CaseScores] = {}
    left = [case for case in found.cases if case.sha256 not in store.scored]
    done = len(found.cases) - len(left)

    def scored(case: Case, answered: Answered, scores: Mapping[str, float | str | None]) -> None:
        store.add(CaseScores(case.sha256, case.row, groups[case.sha256], scores, *answered.ids))
        progress(len(store.scored) + len(errors), len(found.cases))

    def failed(case: Case, error: NoAnswerError) -> None:
        errors[case.sha256] = CaseScores(case.sha256, case.row, groups[case.sha256], {}, *error.ids, str(error))
        progress(len(store.scored) + len(errors), len(found.cases))

    progress(done, len(found.cases))
    if left:
        make_directory(out / LOGS)  # its own, so that nobody else reads the texts where the folder around it is open
        inspect_door.run(_work(plan, left, asker, scored, failed), out / LOGS, name=found.name)
    return errors


def _work(
    plan: Plan, cases: Sequence[Case], asker: Asker, scored: inspect_door.Scored, failed: inspect_door.Failed
) -> inspect_door.Work:
    return inspect_door.Work(
        cases=cases,
        model=plan.model,
        asker=asker,
        request=partial(request_of, plan),
        score=partial(scores_of, plan),
        judge=None if plan.judge is None else partial(to_judge, plan),
        judge_model=None if plan.judge is None else plan.judge.model,
        scored=scored,
        failed=failed,
        concurrency=plan.concurrency,
    )


def request_of(plan: Plan, case: Case) -> dict[str, Any]:
    """The request beside the model; raises `NotChatError` where the chat API cannot say it."""
    asked = case.body | dict(plan.params)
    if plan.schema is None:
        return asked
    wanted = {"name": "answer", "schema": dict(plan.schema)}
    return asked | {"response_format": {"type": "json_schema", "json_schema": wanted}}


def scores_of(plan: Plan, case: Case, answer: Message) -> dict[str, float | str | None]:
    """What the scorers that need no model say, in the plan's order; the judge's place is kept."""
    return {
        name: None
        if name == JUDGE
        else SCORERS[name](case.reference, answer, tools_json=case.tools_json, schema=plan.schema)
        for name in plan.scorers
    }


def to_judge(
    plan: Plan, case: Case, answer: Message
) -> tuple[Sequence[Mapping[str, Any]], Callable[[str], float | None]] | None:
    """What the judge is asked about an answer; nothing without a reference in words."""
    if plan.judge is None or case.reference is None or not case.reference.text.strip():
        return None
    messages = judging.asked(plan.judge.prompt, case.prompt, case.reference.text, answer.text)
    return messages, judging.verdict


def _told(case: Case, groups: Mapping[str, int], store: Kept, errors: Mapping[str, CaseScores]) -> CaseScores:
    """A case as it is known now; its group as it is known now, too."""
    known = store.scored.get(case.sha256) or errors.get(case.sha256)
    if known is None:
        known = CaseScores(case.sha256, case.row, 0, error="not asked: the evaluation was stopped")
    return msgspec.structs.replace(known, group=groups[case.sha256])


def _document(plan: Plan, found: CaseSet, cases: Sequence[CaseScores]) -> Scores:
    judge = plan.judge
    return Scores(
        dataset_id=found.dataset_id,
        dataset_name=found.name,
        model=plan.model,
        base_url=plan.base_url,
        params=dict(plan.params),
        judge=None if judge is None else JudgeUsed(judge.model, judge.prompt.sha256, judge.prompt.version),
        scorers=summed(plan.scorers, cases),
        errors=sum(case.error is not None for case in cases),
        cases=tuple(cases),
        schema_sha256=plan.schema_sha256,
    )


def _silent(done: int, total: int) -> None:
    del done, total
