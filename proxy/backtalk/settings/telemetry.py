"""What is sent over OpenTelemetry: the section `[telemetry]`.

In: values from a file or a variable. Out: a frozen section. The one rule: by default every call is told of, and none of
its words.
"""

from typing import Final, Literal

from pydantic import Field

from backtalk.settings.section import Section

_MIB: Final = 1 << 20


class TelemetrySettings(Section):
    """OpenTelemetry; endpoint, headers and protocol come from the standard OTEL_* variables."""

    exporters: tuple[str, ...] = Field(
        default=("otlp",), description="Exporters to run; otlp rests without an endpoint."
    )
    metrics_interval_s: float = Field(default=15.0, gt=0, description="Pause between two pushes of metrics.")
    semconv: Literal["auto", "v1.41", "latest"] = Field(
        default="auto",
        description="Names of GenAI attributes and metrics; auto: v1.41 unless OTEL_SEMCONV_STABILITY_OPT_IN asks.",
    )
    content: Literal["off", "attributes", "reference"] = Field(
        default="off", description="Message texts: not sent, on spans as JSON, or as ids of the ledger's messages."
    )
    content_bytes: int = Field(
        default=65_536, ge=1_024, description="Largest JSON of one content attribute; it is cut and stays valid."
    )
    content_share: float = Field(
        default=1.0, ge=0, le=1, description="Share of calls with nothing remarkable whose texts are sent, if any are."
    )
    content_shed_lag_s: float = Field(
        default=20.0, gt=0, description="Lag of the worker above which texts are left off spans, counted."
    )
    late_content: Literal["carrier", "event", "off"] = Field(
        default="carrier", description="Where texts go that were left out, once something is said of their call."
    )
    call_share: float = Field(
        default=1.0, ge=0, le=1, description="Share of calls with nothing remarkable that are told of; by trace."
    )
    outlier_share: float = Field(
        default=0.01, ge=0, lt=0.5, description="The slowest share of each model's calls, all of it told of."
    )
    held_s: float = Field(
        default=3_600.0, gt=0, description="How long a call that was left out waits for what is said of it."
    )
    held_bytes: int = Field(default=64 * _MIB, ge=0, description="Largest sum of calls that wait so, in memory.")
    recall_bytes: int = Field(
        default=64 * _MIB, ge=0, description="Journal kept behind an exporter, to know earlier calls after a restart."
    )
    verdict_child: bool = Field(
        default=False, description="Also put signals and feedback into the judged trace, as child spans at its end."
    )
