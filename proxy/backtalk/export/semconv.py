"""The two generations of GenAI names, and which of them is spoken. Pure: a setting and the variables in, one word out.

`v1.41` are the names of the last release of OpenTelemetry's semantic conventions that had GenAI in it (1.41.x, 2026);
`latest` those of the repository it moved to, open-telemetry/semantic-conventions-genai, as its migration guide told
them in 2026-11 (commit 32c328e8), before any release. Both are of status Development.
"""

from collections.abc import Mapping
from typing import Final, Literal

Generation = Literal["v1.41", "latest"]
"""Whose names are spoken."""

OPT_IN_VARIABLE: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"
"""The variable by which OpenTelemetry's own instrumentations are switched; a list with commas."""
OPT_IN: Final = "gen_ai_latest_experimental"
"""Its word for the latest GenAI names."""

SCHEMA_URLS: Final[Mapping[Generation, str]] = {"v1.41": "https://opentelemetry.io/schemas/1.41.0", "latest": ""}
"""The published schema of each generation; the latest has none yet."""


def generation_of(setting: Literal["auto", "v1.41", "latest"], environ: Mapping[str, str]) -> Generation:
    """What a setting means: `auto` asks the variable, anything else holds."""
    if setting != "auto":
        return setting
    words = environ.get(OPT_IN_VARIABLE, "").split(",")
    return "latest" if OPT_IN in (word.strip() for word in words) else "v1.41"
