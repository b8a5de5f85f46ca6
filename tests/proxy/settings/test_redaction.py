"""The section `[redact]`: off by default, and refused in a sentence where it is wrong."""

import pytest
from pydantic import ValidationError

from backtalk.settings.redaction import RedactSettings, read_pattern


def test_nothing_is_redacted_until_it_is_switched_on() -> None:
    """Off, every built-in pattern listed, users kept."""
    settings = RedactSettings()
    assert not settings.enabled
    assert not settings.users
    assert settings.kinds == ("secret", "email", "iban", "card", "ip", "phone")


def test_a_pattern_has_a_name_and_an_expression() -> None:
    """The first equals sign ends the name."""
    assert read_pattern("staff=E=[0-9]+") == ("staff", "E=[0-9]+")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kinds", ("passport",)),
        ("patterns", ("[0-9]+",)),
        ("patterns", ("Staff=[0-9]+",)),
        ("patterns", ("staff=",)),
        ("patterns", (f"staff={'x' * 1_001}",)),
        ("patterns", ("staff=x",) * 33),
    ],
)
def test_what_is_no_pattern_is_refused(field: str, value: tuple[str, ...]) -> None:
    """Unknown kinds, patterns without a name, too long or too many."""
    with pytest.raises(ValidationError):
        RedactSettings.model_validate({field: value})
