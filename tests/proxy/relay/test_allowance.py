"""What is left of a key's limits, decided over frozen values."""

from typing import Any

import pytest

from backtalk.clock import NS_PER_S
from backtalk.relay.allowance import seconds_left, verdict
from backtalk.virtual_keys import Counts, VirtualKey

NOW_NS = (1_700_000_000 - 1_700_000_000 % 60 + 45) * NS_PER_S


def key(**limits: Any) -> VirtualKey:
    """A key with limits."""
    return VirtualKey("i", "n", "t", "h", 0, **limits)


@pytest.mark.parametrize(
    ("limits", "counts", "refused"),
    [
        ({"requests_per_minute": 2}, Counts(requests=2), None),
        ({"requests_per_minute": 2}, Counts(requests=3), "2 requests per minute"),
        ({"tokens_per_minute": 10}, Counts(tokens=9), None),
        ({"tokens_per_minute": 10}, Counts(tokens=10), "10 tokens per minute"),
        ({"budget_usd": 1.5}, Counts(spent_usd=1.49), None),
        ({"budget_usd": 1.5}, Counts(spent_usd=1.5), "1.5 USD per day"),
        ({"budget_usd": 0.0}, Counts(), "0 USD per day"),
        ({}, Counts(10**9, 10**9, 1e9), None),
    ],
)
def test_a_limit_is_what_may_be_used(limits: dict[str, Any], counts: Counts, refused: str | None) -> None:
    """The request that asks is counted; tokens and dollars are of calls that ended."""
    assert verdict(key(**limits), counts, NOW_NS).refused == refused


def test_the_client_is_told_what_is_left_and_until_when() -> None:
    """In the fields of OpenAI's API."""
    told = verdict(key(requests_per_minute=5, tokens_per_minute=100), Counts(requests=2, tokens=130), NOW_NS)
    assert dict(told.fields) == {
        b"x-ratelimit-limit-requests": b"5",
        b"x-ratelimit-remaining-requests": b"3",
        b"x-ratelimit-reset-requests": b"15s",
        b"x-ratelimit-limit-tokens": b"100",
        b"x-ratelimit-remaining-tokens": b"0",
        b"x-ratelimit-reset-tokens": b"15s",
    }
    assert told.retry_after_s == 15


def test_the_longest_wait_is_the_one_that_is_told() -> None:
    """A client that comes again after a minute would be refused by the day."""
    told = verdict(key(requests_per_minute=1, budget_usd=1.0), Counts(requests=9, spent_usd=2.0), NOW_NS)
    assert (told.refused, told.retry_after_s) == ("1 USD per day", seconds_left(NOW_NS, 86_400))


def test_a_window_ends_within_its_length() -> None:
    """At least a second, at most the whole."""
    assert seconds_left(0, 60) == 60
    assert seconds_left(60 * NS_PER_S - 1, 60) == 1
