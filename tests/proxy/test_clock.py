"""Instants are taken from all clocks at once."""

import re
import time

from backtalk import clock


def test_now_is_between_two_readings_of_each_clock() -> None:
    """Wall and boot time are those of this moment."""
    before = (time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    instant = clock.now()
    after = (time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    assert before[0] <= instant.wall_ns <= after[0]
    assert before[1] <= instant.boot_ns <= after[1]


def test_durations_never_go_backwards() -> None:
    """The clock of durations is monotonic."""
    readings = [clock.monotonic_ns() for _ in range(100)]
    assert readings == sorted(readings)


def test_boot_is_named_once() -> None:
    """Every process of this boot gives the same name."""
    assert clock.boot_id() == clock.boot_id()
    assert re.fullmatch(r"[0-9a-f-]{36}", clock.boot_id())
