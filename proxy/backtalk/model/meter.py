"""What a part counts with: the part of `telemetry.Metrics` that the rooms below it use, as a protocol."""

from typing import Protocol


class Meter(Protocol):
    """Counts and measures under names of the catalogue."""

    def add(self, name: str, n: float = 1, /, **labels: str | int | None) -> None:
        """Count `n` more."""
        ...

    def record(self, name: str, value: float, /, **labels: str | int | None) -> None:
        """Take one measurement into a histogram."""
        ...

    def set(self, name: str, value: float, /, **labels: str | int | None) -> None:
        """Say what a gauge reads now."""
        ...


class NoMeter:
    """Counts nothing: for replays and tests that look at results alone."""

    def add(self, name: str, n: float = 1, /, **labels: str | int | None) -> None:
        """Forget it."""

    def record(self, name: str, value: float, /, **labels: str | int | None) -> None:
        """Forget it."""

    def set(self, name: str, value: float, /, **labels: str | int | None) -> None:
        """Forget it."""
