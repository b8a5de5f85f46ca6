"""Writes signals and feedback into MLflow as assessments of traces and spans; off until it is named.

In: verdicts. Out: one assessment each. The one rule: MLflow mints the ids, so an assessment is found again by the
verdict's key in its metadata, and updated where it is there already.
"""

import datetime as dt
from typing import Any, ClassVar, Final

from backtalk.plugin import Receiver, RefusedError, Verdict, VerdictExporter
from backtalk_mlflow.settings import MlflowSettings, receiver

__all__ = ["KEY", "Mlflow", "MlflowSettings"]

KEY: Final = "backtalk.key"
"""The metadata entry that holds the verdict's key."""
_SOURCES: Final = {"HUMAN": "HUMAN", "CODE": "CODE", "LLM": "LLM_JUDGE"}
_UPDATED: Final = "assessment_name,feedback,rationale,metadata"


class Mlflow(VerdictExporter):
    """Assesses."""

    name: ClassVar[str] = "mlflow"
    version: ClassVar[str] = "1.0"
    settings_model = MlflowSettings

    def __init__(self, settings: MlflowSettings) -> None:
        super().__init__(settings.wait_s)
        self._receiver: Receiver = receiver(settings)

    def put(self, verdict: Verdict) -> None:
        """One assessment; a repeat updates it."""
        trace = _trace_of(verdict)
        assessment = _assessment(verdict)
        existing = self._found(trace, verdict)
        if not existing:
            self._receiver.send("POST", f"{trace}/assessments", {"assessment": assessment})
            return
        body = {"assessment": assessment, "update_mask": _UPDATED}
        self._receiver.send("PATCH", f"{trace}/assessments/{existing[0]}", body)

    def remove(self, verdict: Verdict) -> None:
        """Delete the assessment that has the verdict's key."""
        trace = _trace_of(verdict)
        for assessment_id in self._found(trace, verdict):
            self._receiver.send("DELETE", f"{trace}/assessments/{assessment_id}")

    def _found(self, trace: str, verdict: Verdict) -> list[str]:
        """The ids of the assessments with this key; raises `NotThereError` where MLflow has no such trace."""
        answer: Any = self._receiver.send("GET", trace)
        assessments: list[dict[str, Any]] = answer["trace"]["trace_info"].get("assessments", [])
        ours = (one for one in assessments if one.get("metadata", {}).get(KEY) == verdict.key)
        return [one["assessment_id"] for one in ours]


def _trace_of(verdict: Verdict) -> str:
    trace_id = verdict.target.trace_id if verdict.target is not None else verdict.target_trace_id
    if trace_id is None:
        raise RefusedError("MLflow assesses traces and spans, no sessions")
    return f"/api/3.0/mlflow/traces/tr-{trace_id}"


def _assessment(verdict: Verdict) -> dict[str, Any]:
    time = dt.datetime.fromtimestamp(verdict.time_ns // 1_000_000_000, dt.UTC).isoformat()
    told = {KEY: verdict.key, "backtalk.kind": verdict.kind, "backtalk.tenant": verdict.tenant, **dict(verdict.details)}
    if verdict.score is not None:
        told["backtalk.score"] = verdict.score
    found: dict[str, Any] = {
        "assessment_name": verdict.name.replace(".", "_"),
        "source": {"source_type": _SOURCES[verdict.annotator], "source_id": _who(verdict)},
        "create_time": time,
        "last_update_time": time,
        "feedback": {"value": verdict.value},
        "metadata": {name: str(value) for name, value in told.items()},
    }
    if verdict.target is not None:
        found["span_id"] = verdict.target.span_id
    if verdict.explanation is not None:
        found["rationale"] = verdict.explanation
    return found


def _who(verdict: Verdict) -> str:
    return str(dict(verdict.details).get("backtalk.feedback.source") or verdict.identifier)
