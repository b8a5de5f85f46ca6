"""What is sent: all calls and none of their words, until somebody says otherwise."""

from typing import Any

import pytest
from pydantic import ValidationError

from backtalk.settings import TelemetrySettings


def test_no_words_are_sent_by_default_and_every_call_is_told_of() -> None:
    """Metadata is whole; content is off."""
    settings = TelemetrySettings()
    assert settings.content == "off"
    assert settings.call_share == 1
    assert not settings.verdict_child


@pytest.mark.parametrize(
    "wrong",
    [{"call_share": 1.1}, {"content_share": -0.1}, {"content": "yes"}, {"outlier_share": 0.5}, {"held_s": 0}],
)
def test_what_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    """A share above one, a mode that is none."""
    with pytest.raises(ValidationError):
        TelemetrySettings.model_validate(wrong)
