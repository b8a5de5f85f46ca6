"""Writes signals and feedback into Arize Phoenix as annotations of spans, traces and sessions; off until it is named.

In: verdicts. Out: one annotation each. The one rule: its identifier is the verdict's key, by which Phoenix takes a
repeat as an update, and by which a word that was taken back is deleted.
"""

import urllib.parse
from typing import Any, ClassVar, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from backtalk.plugin import Receiver, Verdict, VerdictExporter, key_variable

_RESERVED: Final = "note"
"""A name that Phoenix keeps for notes."""


class PhoenixSettings(BaseModel):
    """Which Phoenix, and as whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    url: str = Field(pattern=r"^https?://")
    """Where its pages are, without `/v1`."""
    project: str = "default"
    """What `openinference.project.name` says in OTEL_RESOURCE_ATTRIBUTES."""
    api_key_env: str | None = None
    """Environment variable that holds the key; none where Phoenix wants none."""
    timeout_s: float = Field(default=20.0, gt=0, le=300)
    wait_s: float = Field(default=120.0, ge=0, le=3600)
    """Longest wait for a call's spans to arrive."""


class _Place(NamedTuple):
    kind: str
    field: str
    id: str


class Phoenix(VerdictExporter):
    """Annotates."""

    name: ClassVar[str] = "phoenix"
    version: ClassVar[str] = "1.0"
    settings_model = PhoenixSettings

    def __init__(self, settings: PhoenixSettings) -> None:
        super().__init__(settings.wait_s)
        key = key_variable(settings.api_key_env, "plugin.phoenix.api_key_env") if settings.api_key_env else None
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._receiver = Receiver(settings.url, headers, settings.timeout_s)
        self._project = urllib.parse.quote(settings.project, safe="")

    def put(self, verdict: Verdict) -> None:
        """One annotation, as soon as Phoenix has what it is about."""
        place = _place_of(verdict)
        data = {place.field: place.id, **_annotation(verdict)}
        self._receiver.send("POST", f"/v1/{place.kind}_annotations", {"data": [data]}, {"sync": "true"})

    def remove(self, verdict: Verdict) -> None:
        """All annotations under the verdict's key."""
        path = f"/v1/projects/{self._project}/{_place_of(verdict).kind}_annotations"
        self._receiver.send("DELETE", path, query={"identifier": verdict.key, "delete_all": "true"})


def _place_of(verdict: Verdict) -> _Place:
    if verdict.target is not None:
        return _Place("span", "span_id", verdict.target.span_id)
    if verdict.target_trace_id is not None:
        return _Place("trace", "trace_id", verdict.target_trace_id)
    return _Place("session", "session_id", verdict.session_id or "")


def _annotation(verdict: Verdict) -> dict[str, Any]:
    result = {"label": verdict.label, "score": verdict.score, "explanation": verdict.explanation}
    return {
        "name": "user_note" if verdict.name == _RESERVED else verdict.name,
        "annotator_kind": verdict.annotator,
        "identifier": verdict.key,
        "result": {name: value for name, value in result.items() if value is not None},
        "metadata": {"backtalk.kind": verdict.kind, "backtalk.tenant": verdict.tenant} | dict(verdict.details),
    }
