"""Instants as days."""

from backtalk.clock import NS_PER_S
from backtalk.ledger.days import day

_DAY_NS = 86_400 * NS_PER_S


def test_a_day_is_the_utc_day() -> None:
    """The last nanosecond belongs to its day, the next one to the next."""
    assert (day(0), day(_DAY_NS - 1), day(_DAY_NS)) == ("1970-01-01", "1970-01-01", "1970-01-02")
    assert day(-1) == "1969-12-31"
