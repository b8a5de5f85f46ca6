"""Who speaks: resource and contexts."""

import pytest

from backtalk import __version__
from backtalk.export.origin import context, origin


def test_service_is_backtalk_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard variables win; what they do not say is filled in."""
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    found = origin().resource.attributes
    assert found["service.name"] == "backtalk"
    assert found["service.version"] == __version__
    assert found["deployment.environment.name"] == "test"
    assert found["service.instance.id"]
    assert found["telemetry.sdk.language"] == "python"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-7")
    found = origin().resource.attributes
    assert found["service.name"] == "shop"
    assert found["service.instance.id"] == "pod-7"


def test_context_has_the_ids_given() -> None:
    """Hex in, the same numbers out; everything is recorded."""
    found = context("0" * 31 + "a", "0" * 15 + "b", remote=True)
    assert (found.trace_id, found.span_id, found.is_remote) == (10, 11, True)
    assert found.trace_flags.sampled
