"""Which MLflow, and as whom: the section `[plugin.mlflow]`, for telemetry and for lineage.

In: the section. Out: frozen settings, and the way to the server. The one rule: the token comes from the environment.
"""

from pydantic import BaseModel, ConfigDict, Field

from backtalk.plugin import Receiver, key_variable


class MlflowSettings(BaseModel):
    """Which MLflow, and as whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    url: str = Field(pattern=r"^https?://")
    """The tracking server."""
    token_env: str | None = None
    """Environment variable that holds a bearer token; none where the server wants none."""
    timeout_s: float = Field(default=20.0, gt=0, le=300)
    wait_s: float = Field(default=120.0, ge=0, le=3600)
    """Longest wait for a call's spans to arrive."""
    experiment: str = Field(default="backtalk", min_length=1, max_length=500)
    """The experiment of lineage; made where there is none."""


def receiver(settings: MlflowSettings) -> Receiver:
    """The server, with the token."""
    token = key_variable(settings.token_env, "plugin.mlflow.token_env") if settings.token_env else None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Receiver(settings.url, headers, settings.timeout_s)
