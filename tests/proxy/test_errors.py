"""Errors say whose fault it was, with a status, a stable code and a sentence."""

import pytest

from backtalk.errors import BacktalkError, RequestError, SetupError, StoreError, UpstreamError


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (BacktalkError("m", code="c"), 500, "server_error"),
        (RequestError("m", code="c"), 400, "invalid_request_error"),
        (RequestError("m", code="c", status=413), 413, "invalid_request_error"),
        (UpstreamError("m", code="c"), 502, "upstream_error"),
        (UpstreamError("m", code="c", status=504), 504, "upstream_error"),
        (StoreError("m", code="c"), 503, "store_error"),
        (SetupError("m", code="c"), 500, "setup_error"),
    ],
)
def test_error_says_whose_fault_it_was(error: BacktalkError, status: int, kind: str) -> None:
    """Each branch has its status and its kind, and keeps message and code."""
    assert (error.status, error.kind, error.message, error.code, str(error)) == (status, kind, "m", "c", "m")


def test_request_error_names_the_parameter() -> None:
    """The caller learns which field was wrong."""
    assert RequestError("m", code="c", param="value").param == "value"
    assert BacktalkError("m", code="c").param is None
