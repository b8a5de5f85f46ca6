"""The only reader of clocks: an instant is taken once per event, from all three clocks at once."""

import time
from pathlib import Path
from typing import Final, NamedTuple

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000


class Instant(NamedTuple):
    """One moment: wall time for people, boot time for order within a machine's life. Both in nanoseconds."""

    wall_ns: int
    boot_ns: int


def now() -> Instant:
    """Take the present moment from CLOCK_REALTIME and CLOCK_BOOTTIME (CLOCK_MONOTONIC where there is none)."""
    return Instant(time.time_ns(), time.clock_gettime_ns(_BOOT_CLOCK))


def monotonic_ns() -> int:
    """Nanoseconds of the clock that durations are measured with."""
    return time.monotonic_ns()


def boot_id() -> str:
    """Name this boot of the machine: boot times are comparable only within one; empty where it cannot be told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


_BOOT_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
