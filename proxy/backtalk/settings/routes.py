"""Which model goes where: the tables `[targets.<name>]` and `[routes.<name>]` of the settings file.

    [targets.hosted]
    url = "https://models.example/v1"
    api_key_env = "HOSTED_KEY"

    [targets.claude]
    lane = "litellm"
    model = "anthropic/*"
    api_key_env = "ANTHROPIC_API_KEY"

    [routes."qwen-*"]
    targets = ["hosted"]

    [routes."claude-*"]
    targets = ["claude"]

In: tables. Out: frozen values, checked against each other. The one rule: what does not fit is refused by its key,
before anything is served. A key to a provider is never in the file, only where it is found.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from backtalk.settings.section import Section, base_url, key_in_file, nearest, variable_key

Lane = Literal["raw", "litellm"]
"""`raw`: the bytes go on as they are, to an API that speaks the client's dialect. `litellm`: litellm translates."""


class TargetSettings(Section):
    """Somewhere a call can be answered."""

    lane: Lane = Field(
        default="raw", description="raw: bytes as they are; litellm: translated from OpenAI's dialect by litellm."
    )
    url: str | None = Field(
        default=None, description="Base URL as a client would set it; litellm: unset is the provider's own."
    )
    model: str | None = Field(
        default=None, description="Model name there; `*` stands for the name asked for; unset: the name asked for."
    )
    api_key_env: str | None = Field(
        default=None, description="Variable that holds the key to it; without a key the client's own passes."
    )
    api_key_file: Path | None = Field(default=None, description="File that holds the key.")
    api_key_header: Literal["authorization", "x-api-key", "api-key"] = Field(
        default="authorization", description="Header that carries the key on the raw lane."
    )
    client_key: bool = Field(default=True, description="Without a key of its own, pass the client's; else none.")
    weight: float = Field(default=1.0, gt=0, description="Share among the targets of a route.")
    max_concurrent: int | None = Field(
        default=None, ge=1, description="Most calls under way at once, in each proxy process."
    )
    connect_timeout_s: float | None = Field(default=None, gt=0, description="Instead of `relay.connect_timeout_s`.")
    first_byte_timeout_s: float | None = Field(
        default=None, gt=0, description="Longest wait for the response's head; unset: the idle timeout counts."
    )
    idle_timeout_s: float | None = Field(default=None, gt=0, description="Instead of `relay.idle_timeout_s`.")
    total_timeout_s: float | None = Field(default=None, gt=0, description="Instead of `relay.total_timeout_s`.")
    cooldown_after: int = Field(default=3, ge=1, description="Failures in a row after which it rests.")
    cooldown_s: float = Field(default=10.0, ge=0, description="How long it rests; 0: never.")
    options: dict[str, Any] = Field(
        default={}, description="More arguments for litellm, such as `vertex_project` or `aws_region_name`."
    )

    @field_validator("url")
    @classmethod
    def _url_is_http(cls, value: str | None) -> str | None:
        return None if value is None else base_url(value)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.lane == "raw" and self.url is None:
            raise ValueError("a raw target needs its url")
        if self.lane == "raw" and self.options:
            raise ValueError("options are for the litellm lane")
        if self.api_key_env is not None and self.api_key_file is not None:
            raise ValueError("set api_key_env or api_key_file, not both")
        return self


class RouteSettings(Section):
    """Which targets answer which models, and what happens when one of them fails."""

    models: tuple[str, ...] = Field(
        default=(), description="Names that it answers, `*` standing for anything; unset: the route's own name."
    )
    targets: tuple[str, ...] = Field(min_length=1, description="Targets that share its calls by their weights.")
    fallbacks: tuple[str, ...] = Field(default=(), description="Targets to try after those, in this order.")
    attempts: int = Field(default=3, ge=1, le=20, description="Most attempts of one call, the first included.")
    backoff_s: float = Field(default=0.5, ge=0, description="Pause before the same target is tried again; doubles.")
    backoff_max_s: float = Field(default=8.0, ge=0, description="Longest such pause.")
    retry_after_max_s: float = Field(
        default=20.0, ge=0, description="Longest Retry-After that is waited out; above it the answer passes."
    )
    total_timeout_s: float | None = Field(
        default=None, gt=0, description="No attempt begins later than this; unset: `relay.total_timeout_s`."
    )
    cache_ttl_s: float | None = Field(
        default=None, gt=0, description="How long an answer is given again to the same request; unset: never."
    )
    cache_repeat_s: float = Field(
        default=300.0, ge=0, description="Who had the answer so recently gets a fresh one: it asks for another."
    )


def check_routes(routes: Mapping[str, RouteSettings], targets: Mapping[str, TargetSettings]) -> None:
    """Refuse, as `ValueError` with the key, a route to a target that is not there and a model that two routes name."""
    for name in targets:
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
            raise ValueError(f"targets.{name}: a target's name has letters, digits, dots, dashes and underscores only")
    named: dict[str, str] = {}
    for name, route in routes.items():
        _check_targets(name, route, targets)
        for model in route.models or (name,):
            if model in named:
                raise ValueError(f"routes.{name}.models: {model!r} is answered by the route {named[model]!r} already")
            named[model] = name


def _check_targets(name: str, route: RouteSettings, targets: Mapping[str, TargetSettings]) -> None:
    for field in ("targets", "fallbacks"):
        for target in getattr(route, field):
            if target not in targets:
                raise ValueError(f"routes.{name}.{field}: there is no target {target!r}{nearest(target, targets)}")
    if len({*route.targets, *route.fallbacks}) != len(route.targets + route.fallbacks):
        raise ValueError(f"routes.{name}: each target is named once, in targets or in fallbacks")


def target_key(name: str, target: TargetSettings, environ: Mapping[str, str]) -> str | None:
    """The key of a target that has one of its own; raises `SetupError` where it is not there."""
    if target.api_key_env is not None:
        return variable_key(environ, target.api_key_env, f"targets.{name}.api_key_env")
    return key_in_file(target.api_key_file, f"targets.{name}.api_key_file") if target.api_key_file else None
