"""The few words for a call that spans and metrics share."""

import subprocess
import sys

from backtalk.export.kinds import error_type, method_of, route_of
from backtalk.model.chat import Response
from backtalk.testing.facts import closed_call, opened_call


def test_the_route_is_the_endpoints() -> None:
    """An id in a path is never part of a route."""
    call = closed_call(opened=opened_call(api="stored_responses", path="/v1/responses/resp_1"))
    assert route_of(call) == "/v1/responses/{path}"


def test_strange_methods_are_one() -> None:
    """Whoever makes up methods makes no new series."""
    assert method_of(closed_call()) == "POST"
    assert method_of(closed_call(opened=opened_call(method="BREW"))) == "_OTHER"


def test_error_is_the_providers_word_else_the_status() -> None:
    """An outcome of ours comes before what the provider said; a call that did its job has none."""
    assert error_type(closed_call()) is None
    assert error_type(closed_call(status=503)) == "503"
    assert error_type(closed_call(status=400, response=Response(error_type="bad_thing"))) == "bad_thing"
    assert error_type(closed_call(outcome="rejected", status=413)) == "rejected"


def test_measuring_needs_no_opentelemetry() -> None:
    """A worker without exporters does not pay for the library."""
    code = "import sys, backtalk.export.measures; print([m for m in sys.modules if m.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
