"""What a refusal means."""

import pytest

from backtalk.export.failure import NotTakenError


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("503", "later"),
        ("401", "later"),
        ("ConnectionError", "later"),
        ("UNAVAILABLE", "later"),
        ("405", "never"),
        ("UNIMPLEMENTED", "never"),
        ("422", "not_this"),
        ("INVALID_ARGUMENT", "not_this"),
    ],
)
def test_status_has_a_meaning(status: str, meaning: str) -> None:
    """Only a missing route and a refused record are final; wrong credentials can be mended."""
    assert NotTakenError("traces", status).meaning == meaning


@pytest.mark.parametrize(
    ("detail", "meaning"),
    [
        ("Received message larger than max (9 vs. 8)", "not_this"),
        ("grpc: received message larger than max (9 vs. 8)", "not_this"),
        ("gRPC message exceeds maximum size 8: 9", "not_this"),
        ("quota exceeded", "later"),
        ("", "later"),
    ],
)
def test_full_server_is_told_from_a_message_that_is_too_large(detail: str, meaning: str) -> None:
    """GRPC has one status for both; only the second is mended by sending less at once."""
    assert NotTakenError("traces", "RESOURCE_EXHAUSTED", detail).meaning == meaning
