"""The redactor of forms: what it takes out, and what it leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.plugin.discovery import REDACTORS, check, load_redactors
from backtalk_pii import MAY_HOLD, PATTERNS, Pii, replacing


def test_it_enters_by_the_door() -> None:
    """The name that recipes give leads to it."""
    check(REDACTORS, "pii", Pii)
    assert isinstance(load_redactors(["pii"], {})[0], Pii)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Write to ada.lovelace+x@mail.example.org.", "Write to [email]."),
        ("My card is 4111 1111 1111 1111, thanks", "My card is [card], thanks"),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN [iban]"),
        ("from 192.168.1.17 at noon", "from [ip] at noon"),
        ("call +49 30 901820 today", "call [phone] today"),
        ("call (415) 555-2671", "call [phone]"),
        ("key sk-abcdefghijklmnopqrstuvwx", "key [secret]"),
        ("AKIAIOSFODNN7EXAMPLE", "[secret]"),
    ],
)
def test_forms_are_taken_out(text: str, kept: str) -> None:
    """Each is named by what it was."""
    assert Pii().redact(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "Order 4111111111111112 is late",
        "on 2026-11-26 at 12:30",
        "version 1.2.3",
        "300.400.500.600",
        "pi is 3.14159265",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    """Wrong check digits, dates, versions and numbers are no person's."""
    assert Pii().redact(text) == text


@given(st.text(alphabet=st.sampled_from("0123456789 +-()./@aZ:_"), max_size=60))
def test_a_pattern_is_only_spared_where_it_finds_nothing(text: str) -> None:
    """The quick look never misses what the pattern would have found."""
    for word, pattern in PATTERNS.items():
        assert pattern.sub(replacing(word), text) == text or MAY_HOLD[word](text)


@given(st.text(alphabet=st.sampled_from("0123456789 +-().@aZ:_"), max_size=200))
def test_redacting_again_changes_nothing(text: str) -> None:
    """What was taken out leaves nothing that looks like more, whatever the text."""
    once = Pii().redact(text)
    assert Pii().redact(once) == once
