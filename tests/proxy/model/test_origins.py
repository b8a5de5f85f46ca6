"""Which pages are allowed: by the whole name of their origin."""

import pytest

from backtalk.model.origins import Origins, is_own


@pytest.mark.parametrize("origin", [b"https://app.example", b"HTTPS://APP.example", b"http://localhost:3000"])
def test_a_listed_origin_is_allowed_in_any_case(origin: bytes) -> None:
    """Scheme and host know no case; a slash that settings had at the end changes nothing."""
    assert Origins(["https://App.example/", "http://localhost:3000"]).lists(origin)


@pytest.mark.parametrize(
    "origin",
    [
        b"null",
        b"*",
        b"",
        b"https://app.example.evil.example",
        b"https://evil.example/https://app.example",
        b"http://app.example",
        b"https://app.example:444",
        b"https://sub.app.example",
        b"https://app.example https://evil.example",
    ],
)
def test_nothing_but_the_whole_name_counts(origin: bytes) -> None:
    """No part, no neighbour, no other scheme or port."""
    assert not Origins(["https://app.example"]).lists(origin)


def test_an_empty_list_allows_nobody() -> None:
    """And says so."""
    assert not Origins([])
    assert not Origins([]).lists(b"https://app.example")


def test_a_page_of_the_listener_itself_is_known_by_the_host() -> None:
    """With its port."""
    assert is_own(b"http://127.0.0.1:8080", b"127.0.0.1:8080")
    assert is_own(b"https://Feedback.example", b"feedback.example")
    assert not is_own(b"http://127.0.0.1:8081", b"127.0.0.1:8080")
    assert not is_own(b"null", b"")
