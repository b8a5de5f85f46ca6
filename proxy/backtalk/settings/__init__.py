"""Everything that can be set: read once from file and variables, checked, frozen, and handed to the children.

In: `backtalk.toml` and BACKTALK_* variables. Out: one `Settings`. The one rule: only this room reads the environment.
"""

from backtalk.settings.lineage import LineageSettings
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
from backtalk.settings.routes import TargetSettings
from backtalk.settings.telemetry import TelemetrySettings
from backtalk.settings.tree import (
    NAMED,
    TABLES,
    Settings,
    bare_environ,
    environ_for,
    fields,
    keep_litellm_offline,
    key_variable,
    load,
    load_inherited,
    otel_environ,
    plain_environ,
    target_keys,
    variable,
)

__all__ = [
    "NAMED",
    "TABLES",
    "AnnotateSettings",
    "CaptureSettings",
    "DetectSettings",
    "FeedbackSettings",
    "JournalSettings",
    "KeySettings",
    "LedgerSettings",
    "LineageSettings",
    "RedactSettings",
    "RelaySettings",
    "SessionSettings",
    "Settings",
    "SpoolSettings",
    "TargetSettings",
    "TelemetrySettings",
    "WebSettings",
    "bare_environ",
    "environ_for",
    "fields",
    "keep_litellm_offline",
    "key_variable",
    "load",
    "load_inherited",
    "otel_environ",
    "plain_environ",
    "target_keys",
    "variable",
]
