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
