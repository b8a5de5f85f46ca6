"""What this room needs of the metrics: `telemetry.Metrics` is one."""

from typing import Protocol


class Meter(Protocol):
    """Takes counts and states by their names."""

    def add(self, name: str, n: float = 1, /, **labels: str) -> None:
        """Count."""
        ...

    def set(self, name: str, value: float, /, **labels: str) -> None:
        """State."""
        ...
