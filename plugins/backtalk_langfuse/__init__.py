"""Writes signals and feedback into Langfuse as scores of observations, traces and sessions; off until it is named.

In: verdicts. Out: one score each. The one rule: the score's id is the verdict's key and its time the fact's, so that a
repeat is an update, and a word that was taken back is deleted by its id.
"""

import base64
import datetime as dt
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from backtalk.plugin import Receiver, Verdict, VerdictExporter, key_variable


def _not_its_own(environment: str) -> str:
    """Langfuse keeps the names that begin with its own for itself."""
    if environment.startswith("langfuse"):
        raise ValueError("no environment begins with `langfuse`: Langfuse keeps those for itself")
    return environment


class LangfuseSettings(BaseModel):
    """Which Langfuse, and which project's keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    url: str = Field(default="https://cloud.langfuse.com", pattern=r"^https?://")
    public_key_env: str = "LANGFUSE_PUBLIC_KEY"
    """Environment variable that holds the public key."""
    secret_key_env: str = "LANGFUSE_SECRET_KEY"  # noqa: S105  # the name of a variable
    """Environment variable that holds the secret key."""
    environment: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$"), AfterValidator(_not_its_own)] | None = None
    """In lower case, and none of Langfuse's own."""
    timeout_s: float = Field(default=20.0, gt=0, le=300)


class Langfuse(VerdictExporter):
    """Scores. It waits for nothing: Langfuse takes a score before what it is about."""

    name: ClassVar[str] = "langfuse"
    version: ClassVar[str] = "1.0"
    settings_model = LangfuseSettings

    def __init__(self, settings: LangfuseSettings) -> None:
        super().__init__(wait_s=120.0)
        public = key_variable(settings.public_key_env, "plugin.langfuse.public_key_env")
        secret = key_variable(settings.secret_key_env, "plugin.langfuse.secret_key_env")
        basic = base64.b64encode(f"{public}:{secret}".encode()).decode()
        self._receiver = Receiver(settings.url, {"Authorization": f"Basic {basic}"}, settings.timeout_s)
        self._environment = settings.environment

    def put(self, verdict: Verdict) -> None:
        """One score under the verdict's key."""
        body = score_of(verdict)
        if self._environment is not None:
            body["environment"] = self._environment
        self._receiver.send("POST", "/api/public/scores", body)

    def remove(self, verdict: Verdict) -> None:
        """Delete the score under the verdict's key."""
        self._receiver.send("DELETE", f"/api/public/scores/{verdict.key}")


def score_of(verdict: Verdict) -> dict[str, Any]:
    """The score as Langfuse's API takes it."""
    time = dt.datetime.fromtimestamp(verdict.time_ns / 1e9, dt.UTC)
    found: dict[str, Any] = {
        "id": verdict.key,
        "name": verdict.name,
        "timestamp": time.isoformat(timespec="milliseconds"),
        "metadata": {
            "backtalk.kind": verdict.kind,
            "backtalk.source": verdict.annotator,
            "backtalk.tenant": verdict.tenant,
            **dict(verdict.details),
        },
    }
    if verdict.explanation is not None:
        found["comment"] = verdict.explanation
    return found | _value(verdict) | _about(verdict)


def _value(verdict: Verdict) -> dict[str, Any]:
    if verdict.flag is not None:
        return {"dataType": "BOOLEAN", "value": int(verdict.flag)}
    if verdict.score is not None:
        return {"dataType": "NUMERIC", "value": verdict.score}
    return {"dataType": "CATEGORICAL", "value": verdict.label or verdict.kind}


def _about(verdict: Verdict) -> dict[str, str]:
    if verdict.target is not None:
        return {"traceId": verdict.target.trace_id, "observationId": verdict.target.span_id}
    if verdict.target_trace_id is not None:
        return {"traceId": verdict.target_trace_id}
    return {"sessionId": verdict.session_id or ""}
