"""Sends signals and feedback to Datadog as external evaluations of OpenTelemetry spans; off until it is named.

In: verdicts about a call. Out: one evaluation metric each. The one rule: Datadog joins OpenTelemetry's spans by decimal
ids and the tag `source:otel`. Its API updates and deletes nothing: each carries its key as a tag, to tell a repeat by.
"""

import re
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from backtalk.plugin import Receiver, RefusedError, Verdict, VerdictExporter, key_variable

_NOT_IN_LABELS: Final = re.compile(r"[^A-Za-z0-9_]")
_LABEL_LIMIT: Final = 200


class DatadogSettings(BaseModel):
    """Which site, and the application's name there."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    ml_app: str = Field(min_length=1, max_length=193)
    """What OTEL_SERVICE_NAME says."""
    site: str = Field(default="datadoghq.com", pattern=r"^[a-z0-9.-]+$")
    url: str | None = Field(default=None, pattern=r"^https?://")
    """In place of `https://api.{site}`."""
    api_key_env: str = "DD_API_KEY"
    """Environment variable that holds the key."""
    timeout_s: float = Field(default=20.0, gt=0, le=300)


class Datadog(VerdictExporter):
    """Evaluates. It waits for nothing: Datadog joins an evaluation when the span arrives."""

    name: ClassVar[str] = "datadog"
    version: ClassVar[str] = "1.0"
    settings_model = DatadogSettings

    def __init__(self, settings: DatadogSettings) -> None:
        super().__init__(wait_s=120.0)
        key = key_variable(settings.api_key_env, "plugin.datadog.api_key_env")
        url = settings.url or f"https://api.{settings.site}"
        self._receiver = Receiver(url, {"DD-API-KEY": key}, settings.timeout_s)
        self._ml_app = settings.ml_app

    def put(self, verdict: Verdict) -> None:
        """One evaluation metric."""
        metrics = [metric_of(verdict, self._ml_app)]
        body = {"data": {"type": "evaluation_metric", "attributes": {"metrics": metrics}}}
        self._receiver.send("POST", "/api/intake/llm-obs/v2/eval-metric", body)

    def remove(self, verdict: Verdict) -> None:
        """Refused: the API has no way to take an evaluation back."""
        raise RefusedError(f"Datadog deletes no evaluation; {verdict.key} stays")


def metric_of(verdict: Verdict, ml_app: str) -> dict[str, Any]:
    """The evaluation metric as Datadog's API takes it; raises `RefusedError` where it is about no one span."""
    if verdict.target is None:
        raise RefusedError("Datadog evaluates single spans, no traces and no sessions")
    found: dict[str, Any] = {
        "join_on": {
            "span": {
                "span_id": str(int(verdict.target.span_id, 16)),
                "trace_id": str(int(verdict.target.trace_id, 16)),
            }
        },
        "ml_app": ml_app,
        "timestamp_ms": verdict.time_ns // 1_000_000,
        "label": _label(verdict.name),
        "tags": [
            "source:otel",
            f"backtalk_key:{verdict.key}",
            f"backtalk_kind:{verdict.kind}",
            f"backtalk_source:{verdict.annotator.lower()}",
        ],
        "metadata": {"backtalk.tenant": verdict.tenant, **dict(verdict.details)},
        **_value(verdict),
    }
    if verdict.explanation is not None:
        found["reasoning"] = verdict.explanation
    return found


def _value(verdict: Verdict) -> dict[str, Any]:
    if verdict.flag is not None:
        return {"metric_type": "boolean", "boolean_value": verdict.flag}
    if verdict.score is not None:
        return {"metric_type": "score", "score_value": verdict.score}
    return {"metric_type": "categorical", "categorical_value": verdict.label or verdict.kind}


def _label(name: str) -> str:
    """Letters, digits and underscores, a letter first."""
    return _NOT_IN_LABELS.sub("_", name if name[:1].isalpha() else f"x_{name}")[:_LABEL_LIMIT]
