"""Where telemetry goes, by the OTEL_* variables."""

import pytest

from backtalk.errors import SetupError
from backtalk.export.config import destinations

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def test_without_endpoint_nothing_is_sent() -> None:
    """The usual local port is not tried on our own account."""
    assert destinations({}) == {}


def test_one_endpoint_serves_all_kinds() -> None:
    """Over HTTP each kind has its path below the endpoint, over gRPC none."""
    found = destinations({ENDPOINT: "http://c:4318/"})
    assert {wire: there.endpoint for wire, there in found.items()} == {
        "traces": "http://c:4318/v1/traces",
        "logs": "http://c:4318/v1/logs",
        "metrics": "http://c:4318/v1/metrics",
    }
    found = destinations({ENDPOINT: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert {there.endpoint for there in found.values()} == {"http://c:4317"}
    assert {there.protocol for there in found.values()} == {"grpc"}


def test_endpoint_of_one_kind_is_taken_as_it_is() -> None:
    """A kind's own endpoint and protocol win, and alone they switch only that kind on."""
    found = destinations(
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t/x", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}
    )
    assert list(found) == ["traces"]
    assert found["traces"].endpoint == "http://t/x"
    assert found["traces"].protocol == "grpc"


@pytest.mark.parametrize(
    ("variables", "left"),
    [
        ({"OTEL_SDK_DISABLED": "TRUE"}, []),
        ({"OTEL_TRACES_EXPORTER": "none"}, ["logs", "metrics"]),
        ({"OTEL_LOGS_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "console"}, ["traces"]),
        ({"OTEL_TRACES_EXPORTER": "console,otlp"}, ["traces", "logs", "metrics"]),
        ({"OTEL_SDK_DISABLED": "false"}, ["traces", "logs", "metrics"]),
    ],
)
def test_switches_are_honoured(variables: dict[str, str], left: list[str]) -> None:
    """The standard variables switch kinds off."""
    assert list(destinations({ENDPOINT: "http://c", **variables})) == left


def test_unknown_protocol_is_refused() -> None:
    """JSON over HTTP is not spoken, and that is said at start."""
    with pytest.raises(SetupError, match="http/json; Backtalk speaks http/protobuf and grpc"):
        destinations({ENDPOINT: "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"})
