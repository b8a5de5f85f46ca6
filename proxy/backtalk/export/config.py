"""Where telemetry goes, read from the standard OTEL_* variables. Pure: variables in, a frozen answer out.

Without an endpoint nothing is sent anywhere: Backtalk does not try the usual local port on its own. Headers, timeouts,
compression and certificates are read by the SDK's exporters themselves.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from backtalk.errors import SetupError

Wire = Literal["traces", "logs", "metrics"]
"""The three kinds of telemetry that OTLP carries."""
Protocol = Literal["http/protobuf", "grpc"]
"""The forms of OTLP that we speak."""

WIRES: Final[tuple[Wire, ...]] = ("traces", "logs", "metrics")


class Destination(NamedTuple):
    """Where one kind of telemetry goes, and how."""

    wire: Wire
    endpoint: str
    protocol: Protocol


def destinations(environ: Mapping[str, str]) -> dict[Wire, Destination]:
    """The kinds of telemetry that are to be sent; raises `SetupError` for a protocol that we do not speak."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return {}
    found = (_destination(wire, environ) for wire in WIRES)
    return {destination.wire: destination for destination in found if destination is not None}


def _destination(wire: Wire, environ: Mapping[str, str]) -> Destination | None:
    exporters = environ.get(f"OTEL_{wire.upper()}_EXPORTER", "").strip() or "otlp"
    if "otlp" not in [name.strip().lower() for name in exporters.split(",")]:
        return None
    protocol = _protocol(_of(environ, wire, "PROTOCOL"))
    endpoint = environ.get(f"OTEL_EXPORTER_OTLP_{wire.upper()}_ENDPOINT", "").strip()
    general = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    if not endpoint and general:
        endpoint = general if protocol == "grpc" else f"{general.removesuffix('/')}/v1/{wire}"
    return Destination(wire, endpoint, protocol) if endpoint else None


def _protocol(name: str) -> Protocol:
    if name in ("", "http/protobuf"):
        return "http/protobuf"
    if name == "grpc":
        return "grpc"
    raise SetupError(
        f"OTEL_EXPORTER_OTLP_PROTOCOL is {name}; Backtalk speaks http/protobuf and grpc", code="bad_settings"
    )


def _of(environ: Mapping[str, str], wire: Wire, what: str) -> str:
    special = environ.get(f"OTEL_EXPORTER_OTLP_{wire.upper()}_{what}", "").strip()
    return special or environ.get(f"OTEL_EXPORTER_OTLP_{what}", "").strip()
