"""Tells what was built, run and named as OpenLineage events; off until it is named.

In: records of lineage. Out: events of the specification 2-0-2, posted to a server or put at the end of a file, a line
each. The one rule: a record's events are the same whenever they are sent, with the run's id from the record's hash.
"""

import json
import os
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backtalk.plugin import LineageEvent, Receiver, key_variable
from backtalk_openlineage.events import events_of

__all__ = ["OpenLineage", "OpenLineageSettings"]


class OpenLineageSettings(BaseModel):
    """Where the events go, and as whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    url: str | None = Field(default=None, pattern=r"^https?://")
    """A server that takes OpenLineage."""
    endpoint: str = Field(default="/api/v1/lineage", pattern=r"^/")
    """The path of events on it."""
    token_env: str | None = None
    """Environment variable that holds a bearer token; none where the server wants none."""
    timeout_s: float = Field(default=5.0, gt=0, le=300)
    file: Path | None = None
    """A JSONL file, in place of a server."""
    namespace: str = Field(default="backtalk", min_length=1, max_length=128)
    """The namespace of jobs, of datasets and of the ledger's tables: one for each installation."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) == (self.file is None):
            raise ValueError("set either url or file")
        return self


class OpenLineage:
    """Sends."""

    name: ClassVar[str] = "openlineage"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    settings_model = OpenLineageSettings

    def __init__(self, settings: OpenLineageSettings) -> None:
        self._settings = settings
        token = key_variable(settings.token_env, "plugin.openlineage.token_env") if settings.token_env else None
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._receiver = Receiver(settings.url, headers, settings.timeout_s) if settings.url else None

    def export(self, event: LineageEvent) -> None:
        """Send the record's events, in order."""
        events = events_of(event, self._settings.namespace)
        if self._settings.file is not None:
            _append(self._settings.file, events)
        elif self._receiver is not None:
            for one in events:
                self._receiver.send("POST", self._settings.endpoint, one)

    def close(self) -> None:
        """Nothing is held."""


def _append(file: Path, events: tuple[dict[str, Any], ...]) -> None:
    """All lines in one write, so that no other's stand between them."""
    lines = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in events)
    with file.open("ab") as out:
        out.write(lines.encode())
        out.flush()
        os.fsync(out.fileno())
