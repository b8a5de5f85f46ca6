"""What an evaluation is to do, as a value.

In: options. Out: `Plan`, checked. The one rule: whatever could change a score stands in the plan's fingerprint, so that
what was scored under one plan is never taken for another's.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from backtalk.errors import RequestError
from backtalk.evaluation.judging import JudgePrompt
from backtalk.evaluation.scorers import SCORERS
from backtalk.settings.section import base_url

JUDGE: Final = "judge"


class Judge(msgspec.Struct, frozen=True):
    """Which model judges, and by which words."""

    model: str
    prompt: JudgePrompt


class Plan(msgspec.Struct, frozen=True):
    """One evaluation: cases, model, scorers."""

    dataset: Path
    """The folder of a built dataset of cases."""
    model: str
    base_url: str
    """As a client would set it: Backtalk's, with its `/v1`."""
    scorers: tuple[str, ...] = ("includes",)
    judge: Judge | None = None
    params: Mapping[str, Any] = {}
    """Further fields of each request, such as `temperature`."""
    schema: Mapping[str, Any] | None = None
    """What answers must keep, for `json_schema`; sent as `response_format` too."""
    limit: int | None = None
    concurrency: int = 8
    key_env: str | None = None
    """The environment variable that holds the key."""
    attempts: int = 5
    """How often a call is tried where the provider may recover."""
    timeout_s: float = 300.0

    @property
    def schema_sha256(self) -> str | None:
        """The hash of the schema."""
        return None if self.schema is None else _sha256(self.schema)


def checked(plan: Plan) -> Plan:
    """The plan; raises `RequestError` with what is allowed."""
    known = (*SCORERS, JUDGE)
    for name in plan.scorers:
        if name not in known:
            raise RequestError(f"no scorer is called {name!r}; there are: {', '.join(known)}", code="bad_evaluation")
    if not plan.scorers:
        raise RequestError(f"name a scorer: {', '.join(known)}", code="bad_evaluation")
    if (JUDGE in plan.scorers) != (plan.judge is not None):
        raise RequestError("the scorer judge and a judge's model go together", code="bad_evaluation")
    try:
        base_url(plan.base_url)
    except ValueError as error:  # what stands in it is kept, so no password may
        raise RequestError(f"the base URL {error}", code="bad_evaluation") from error
    if plan.concurrency < 1 or plan.attempts < 1 or (plan.limit is not None and plan.limit < 1):
        raise RequestError("limit, concurrency and attempts must be 1 or more", code="bad_evaluation")
    return plan


def fingerprint(plan: Plan, dataset_id: str) -> dict[str, Any]:
    """Everything that a score depends on; not how many cases, how fast, or by which key."""
    judge = None if plan.judge is None else [plan.judge.model, plan.judge.prompt.sha256]
    return {
        "dataset_id": dataset_id,
        "model": plan.model,
        "base_url": plan.base_url,
        "scorers": list(plan.scorers),
        "judge": judge,
        "params": dict(plan.params),
        "schema_sha256": plan.schema_sha256,
    }


def _sha256(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
