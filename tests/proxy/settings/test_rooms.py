"""The rooms' sections: bounded, frozen, closed, and offered by `backtalk.settings` alone."""

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from backtalk import settings
from backtalk.settings import CaptureSettings, Settings
from backtalk.settings.section import Section

SECTIONS = {name: field.annotation for name, field in Settings.model_fields.items()}


HOLDS_NOTHING = frozenset(("held_bytes", "recall_bytes"))


def sections() -> Iterator[type[Section]]:
    """Every section that is a room's."""
    for section in SECTIONS.values():
        if isinstance(section, type) and issubclass(section, Section):
            yield section


def numbers() -> Iterator[tuple[type[Section], str]]:
    """Every field that is a size, a time or a count."""
    for section in sections():
        for name, field in section.model_fields.items():
            if isinstance(field.default, int | float) and not isinstance(field.default, bool):
                yield section, name


@pytest.mark.parametrize(("section", "name"), list(numbers()))
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_of_nothing_is_refused(section: type[Section], name: str, value: int) -> None:
    """Zero would mean off to one reader and unlimited to another: every size, time and count is above it.

    A share of nothing, and nothing held, are nothing to everybody.
    """
    value = -1 if name.endswith("_share") or name in HOLDS_NOTHING else value
    with pytest.raises(ValidationError, match=name):
        section.model_validate({name: value})


@pytest.mark.parametrize(("section", "name"), list(numbers()))
def test_a_limit_has_a_default_and_its_unit_is_a_whole_byte(section: type[Section], name: str) -> None:
    """Memory and disk are bounded without anybody's doing."""
    default = section.model_fields[name].default
    assert default > 0
    assert isinstance(default, int) or not name.endswith("_bytes")


def test_a_section_does_not_change() -> None:
    """What a process was told at its start holds for its life."""
    capture = CaptureSettings()
    with pytest.raises(ValidationError, match="frozen"):
        capture.call_bytes = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] -- that is the test


@pytest.mark.parametrize("section", list(sections()))
def test_a_key_that_nobody_knows_is_refused(section: type[Section]) -> None:
    """A typing error never passes in silence."""
    with pytest.raises(ValidationError, match="nonsense"):
        section.model_validate({"nonsense": 1})


def test_every_section_is_imported_from_one_place() -> None:
    """`backtalk.settings` offers them all; where they are written is its own affair."""
    assert {section.__name__ for section in sections()} <= set(settings.__all__)
