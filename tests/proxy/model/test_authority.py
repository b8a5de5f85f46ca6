"""The name in a Host field."""

import pytest

from backtalk.model.authority import is_loopback, name_in


@pytest.mark.parametrize(
    ("authority", "name"),
    [
        ("Example.COM:80", "example.com"),
        ("localhost.", "localhost"),
        ("[::1]:8080", "::1"),
        ("[::1]", "::1"),
        ("[::1", ""),
        ("[::1]x", ""),
        ("::1", ""),
        ("a:b:c", ""),
        ("", ""),
    ],
)
def test_the_name_is_what_stands_before_the_port(authority: str, name: str) -> None:
    """In lower case and without brackets; what is no authority has no name."""
    assert name_in(authority) == name


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::", False),
        ("evil-localhost", False),
        ("127.0.0.1.evil.example", False),
        ("2130706433", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_alone(host: str, own: bool) -> None:
    """By its reserved names and addresses."""
    assert is_loopback(host) is own
