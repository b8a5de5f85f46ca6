"""Settings: one frozen tree from one TOML file and `BACKTALK_*` variables; the only reader of the environment.

Order of precedence, highest first: command line, environment, file, default. An unknown key is an error that names the
nearest known one. `BACKTALK_RELAY_IDLE_TIMEOUT_S` is the field `idle_timeout_s` of the section `[relay]`. A list is
written with commas; an empty variable empties a list and otherwise counts as unset.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from backtalk.errors import SetupError
from backtalk.settings.directory import data_directory
from backtalk.settings.lineage import LineageSettings
from backtalk.settings.metrics import METRIC_FORM, MetricSettings
from backtalk.settings.redaction import RedactSettings
from backtalk.settings.rooms import (
    AnnotateSettings,
    CaptureSettings,
    DetectSettings,
    FeedbackSettings,
    JournalSettings,
    KeySettings,
    LedgerSettings,
    RelaySettings,
    SessionSettings,
    SpoolSettings,
    WebSettings,
)
from backtalk.settings.routes import RouteSettings, TargetSettings, check_routes, target_key
from backtalk.settings.section import (
    RedisUrl,
    Section,
    base_url,
    explain,
    fields_of,
    nearest,
    place,
    read_toml,
    variable_key,
)
from backtalk.settings.telemetry import TelemetrySettings

PREFIX: Final = "BACKTALK_"
DEFAULT_FILE: Final = "backtalk.toml"
NAMED: Final[Mapping[str, type[Section]]] = {
    "targets": TargetSettings,
    "routes": RouteSettings,
    "metrics": MetricSettings,
}
"""The tables of named tables `[<table>.<name>]` whose keys are ours."""
TABLES: Final = (*((table,) for table in NAMED), ("plugin",))
"""The settings that are tables of named tables, and so have no variable."""


class Settings(Section):
    """Everything that can be set."""

    upstream: str = Field(
        default="https://api.openai.com/v1", description="Base URL of the model API, as a client would set it."
    )
    upstream_api_key: SecretStr | None = Field(
        default=None, description="Key that replaces the client's; unset: theirs passes."
    )
    host: str = Field(default="127.0.0.1", description="Address of the public listener.")
    port: int = Field(default=8080, ge=0, le=65_535, description="Port of the public listener.")
    admin_host: str = Field(default="127.0.0.1", description="Address of the admin listener.")
    admin_port: int = Field(default=8081, ge=0, le=65_535, description="Port of the admin listener.")
    admin_token: SecretStr | None = Field(
        default=None, description="Bearer token of the admin listener; unset: generated once."
    )
    data_dir: Path = Field(
        default=Path("backtalk-data"), description="Directory of spool, journal, ledger and secrets."
    )
    workers: int = Field(default=1, ge=1, le=64, description="Proxy processes.")
    redis_url: RedisUrl | None = Field(
        default=None,
        description="Redis for sessions (also REDIS_URL): a server, redis+sentinel:// or redis+cluster://.",
    )
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="Least severe log line written."
    )
    relay: RelaySettings = RelaySettings()
    capture: CaptureSettings = CaptureSettings()
    spool: SpoolSettings = SpoolSettings()
    journal: JournalSettings = JournalSettings()
    redact: RedactSettings = RedactSettings()
    session: SessionSettings = SessionSettings()
    detect: DetectSettings = DetectSettings()
    annotate: AnnotateSettings = AnnotateSettings()
    ledger: LedgerSettings = LedgerSettings()
    lineage: LineageSettings = LineageSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    web: WebSettings = WebSettings()
    feedback: FeedbackSettings = FeedbackSettings()
    keys: KeySettings = KeySettings()
    targets: dict[str, TargetSettings] = Field(
        default={}, description="Tables [targets.<name>]: where calls can be answered."
    )
    routes: dict[str, RouteSettings] = Field(
        default={}, description="Tables [routes.<name>]: which models go to which targets; all others to `upstream`."
    )
    metrics: dict[Annotated[str, Field(pattern=METRIC_FORM)], MetricSettings] = Field(
        default={}, description="Tables [metrics.<name>]: what feedback may measure, and in which values."
    )
    plugin: dict[str, dict[str, Any]] = Field(default={}, description="Sections [plugin.<name>], for each plugin.")

    @field_validator("upstream")
    @classmethod
    def _upstream_is_http(cls, value: str) -> str:
        return base_url(value)

    @field_validator("data_dir")
    @classmethod
    def _data_dir_can_be_read(cls, value: Path) -> Path:
        return data_directory(value)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        check_routes(self.routes, self.targets)
        if self.annotate.annotators and not (self.ledger.content and self.capture.mode == "full"):
            raise ValueError("annotators send texts to a model: set ledger.content = true and capture.mode = full")
        return self


def load(
    environ: Mapping[str, str] | None = None,
    *,
    file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Build the tree from file, environment and overrides; raises `SetupError` that names each wrong key.

    `file` defaults to BACKTALK_CONFIG, then to `backtalk.toml` in the working directory if it exists. `overrides` are
    top-level fields from the command line; None values are left out.
    """
    environ = os.environ if environ is None else environ
    tree = _read_file(file, environ)
    _apply_environ(tree, environ)
    tree.update({k: v for k, v in (overrides or {}).items() if v is not None})
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise SetupError(explain(error, Settings, NAMED), code="bad_settings") from error


def keep_litellm_offline() -> None:
    """Tell litellm, before it is imported, to use its bundled data, to fetch nothing, and to read no `.env` file."""
    os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_OFFLINE_MODE="true", LITELLM_MODE="PRODUCTION")


def otel_environ() -> dict[str, str]:
    """The standard OTEL_* variables, for the exporter that honours them."""
    return {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}


def bare_environ() -> dict[str, str]:
    """What a program of others needs of the environment in order to start; no key is in it."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")}


def plain_environ() -> dict[str, str]:
    """The environment without anything that sets Backtalk, Redis or OpenTelemetry: for a tree of its own."""
    ours = (PREFIX, "OTEL_", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def environ_for(settings: Settings) -> dict[str, str]:
    """The environment of a child process that is to load exactly these settings (secrets included)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX) and name != "REDIS_URL"}
    kept[_JSON] = _dump(settings)
    return kept


def load_inherited() -> Settings:
    """The settings that the parent process handed over with `environ_for`."""
    return Settings.model_validate_json(os.environ[_JSON])


def fields() -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Every settable field as (path, description, default), sections opened."""
    return fields_of(Settings)


def target_keys(settings: Settings) -> dict[str, str]:
    """The keys of all targets that have one of their own, by target; raises `SetupError` where one is not there."""
    found = {name: target_key(name, target, os.environ) for name, target in settings.targets.items()}
    return {name: key for name, key in found.items() if key is not None}


def key_variable(name: str, where: str) -> str:
    """The key in an environment variable that the setting `where` names; raises `SetupError` where it holds none."""
    return variable_key(os.environ, name, where)


def variable(path: tuple[str, ...]) -> str:
    """The environment variable of a field."""
    return PREFIX + "_".join(path).upper()


_JSON: Final = "BACKTALK_INHERITED_SETTINGS"


def _dump(settings: Settings) -> str:
    return json.dumps(settings.model_dump(), default=_reveal)


def _reveal(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _read_file(file: Path | None, environ: Mapping[str, str]) -> dict[str, Any]:
    named = file or (Path(environ["BACKTALK_CONFIG"]) if environ.get("BACKTALK_CONFIG") else None)
    path = named or Path(DEFAULT_FILE)
    if named is None and not path.is_file():
        return {}
    return read_toml(path)


def _apply_environ(tree: dict[str, Any], environ: Mapping[str, str]) -> None:
    known = {variable(path): (path, default) for path, _, default in fields() if path not in TABLES}
    if environ.get("REDIS_URL"):
        tree["redis_url"] = environ["REDIS_URL"]
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name in ("BACKTALK_CONFIG", _JSON):
            continue
        if name not in known:
            raise SetupError(f"unknown variable {name}{nearest(name, known)}", code="bad_settings")
        path, default = known[name]
        if isinstance(default, tuple):
            place(tree, path, [item.strip() for item in value.split(",") if item.strip()])
        elif value:
            place(tree, path, value)
