"""Placeholders in texts and in JSON: stable, apart by tenant, and never half a value."""

import json
import logging
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.meter import NoMeter
from backtalk.plugin import Found
from backtalk.redact.finding import Patterns
from backtalk.redact.patterns import BUILT_IN
from backtalk.redact.texts import WITHHELD, Texts
from backtalk.telemetry import Metrics

SECRET = b"s" * 32
PATTERNS = Patterns(list(BUILT_IN.values()))
TEXTS = Texts([PATTERNS], SECRET, NoMeter())
PIECES = st.sampled_from(
    ["a@example.com", "4111 1111 1111 1111", "+49 171 1234567", "sk-abcdefghijklmnopqrst", "10.0.0.1", "a", " ", ":"]
)


class Overlapping:
    """A finder whose finds meet, and reach beyond the text."""

    name: ClassVar[str] = "overlapping"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1"

    def find(self, text: str) -> list[Found]:
        """Three that meet, and one that is nowhere."""
        return [Found("one", 4, 8), Found("two", 0, 5), Found("three", 7, len(text) + 9), Found("none", 3, 3)]


class Broken:
    """A finder that fails."""

    name: ClassVar[str] = "broken"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1"

    def find(self, text: str) -> list[Found]:
        """Fail."""
        raise ValueError(text)


def test_equal_values_of_a_tenant_have_equal_placeholders() -> None:
    """In any spelling, in any process with the secret; another tenant's and another value's are others."""
    here = TEXTS.text("acme", "alice@example.com")
    assert here.startswith("[EMAIL_")
    assert Texts([PATTERNS], SECRET, NoMeter()).text("acme", "To Alice@Example.com!") == f"To {here}!"
    assert len({here, TEXTS.text("other", "alice@example.com"), TEXTS.text("acme", "bob@example.com")}) == 3


def test_without_pseudonyms_the_kind_is_all_that_stays() -> None:
    """Nothing tells two addresses apart."""
    texts = Texts([PATTERNS], SECRET, NoMeter(), pseudonyms=False)
    assert texts.text("acme", "a@b.de or c@d.de") == "[EMAIL] or [EMAIL]"


@given(st.lists(PIECES).map("".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    """A placeholder is never taken for anything."""
    once = TEXTS.text("acme", text)
    assert TEXTS.text("acme", once) == once


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    """Halves of surrogate pairs too."""
    assert isinstance(TEXTS.text("acme", text + "\ud83d"), str)


def test_what_meets_goes_as_a_whole() -> None:
    """As the kind that was named first; no rest of a value is left."""
    text = Texts([Overlapping()], SECRET, NoMeter(), pseudonyms=False).text("acme", "0123456789abc")
    assert text == "[ONE]"


def test_where_a_finder_fails_the_text_is_withheld(caplog: pytest.LogCaptureFixture) -> None:
    """Counted and logged, without the text."""
    metrics = Metrics("worker")
    with caplog.at_level(logging.ERROR):
        assert Texts([Broken()], SECRET, metrics).text("acme", "a canary") == WITHHELD
    assert metrics.snapshot().value("backtalk.redaction.failed") == 1
    assert "canary" not in caplog.text


def test_values_are_counted_by_kind() -> None:
    """Each place once."""
    metrics = Metrics("worker")
    Texts([PATTERNS], SECRET, metrics).json("acme", '{"to":["a@b.de","c@d.de"],"ip":"10.0.0.1"}')
    assert metrics.snapshot().value("backtalk.redaction.replaced", kind="email") == 2
    assert metrics.snapshot().value("backtalk.redaction.replaced", kind="ip") == 1


def test_json_stays_json() -> None:
    """Names, escaped texts and bare numbers are looked through; a text inside is what it would be alone."""
    mail = TEXTS.text("acme", "a@b.de")
    found = json.loads(TEXTS.json("acme", '{"a\\u0040b.de":"\\na@b.de","card":4111111111111111,"x":[1.5,true,null]}'))
    assert found == {mail: f"\n{mail}", "card": TEXTS.text("acme", "4111111111111111"), "x": [1.5, True, None]}


@pytest.mark.parametrize("text", ['{"x": 1}', '{"x": "\\n"}', "[1, 2]", "nothing", "", "{"])
def test_json_without_a_find_is_left_as_it_was_written(text: str) -> None:
    """To the byte: what an app sent is compared with what it sends again."""
    assert TEXTS.json("acme", text) == text


def test_what_is_no_json_is_a_text() -> None:
    """A model may have written half of it."""
    assert TEXTS.json("acme", '{"to": "a@b.de') == f'{{"to": "{TEXTS.text("acme", "a@b.de")}'
