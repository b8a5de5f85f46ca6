"""The restart policy of the supervisor: pure, for one process that is to be kept running.

In: starts and deaths with their times. Out: when it is to be started again, or that it is of no use. The one rule: the
pause doubles from death to death, and begins anew behind a life that was long enough to be healthy.
"""

import signal
from typing import Final, NamedTuple

from backtalk.clock import NS_PER_S

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
HEALTHY_S: Final = 30.0
SETUP_STATUS: Final = 2
"""The exit status by which a child says that it cannot work with its settings."""
SETUP_TRIES: Final = 3
"""A child that says so this often in a row ends the whole."""


class Restarts(NamedTuple):
    """How a process has fared so far; times are monotonic."""

    started_ns: int = 0
    due_ns: int = 0
    """When it is to be started again."""
    pause_s: float = FIRST_PAUSE_S
    """How long it will rest after its next death."""
    refusals: int = 0
    """How often in a row it said that it cannot work with its settings."""

    @property
    def hopeless(self) -> bool:
        """Whether starting it again is of no use."""
        return self.refusals >= SETUP_TRIES

    def started(self, now_ns: int) -> "Restarts":
        """It was started now."""
        return self._replace(started_ns=now_ns)

    def delayed(self, now_ns: int, wait_s: float) -> "Restarts":
        """It is to be started after a wait: others go first, or the machine cannot now."""
        return self._replace(due_ns=now_ns + int(wait_s * NS_PER_S))

    def hurried(self, now_ns: int) -> "Restarts":
        """Its wait, if it still has one, is over."""
        return self._replace(due_ns=min(self.due_ns, now_ns))

    def died(self, status: int, now_ns: int) -> "Restarts":
        """It ended now with this status."""
        healthy = now_ns - self.started_ns > HEALTHY_S * NS_PER_S
        pause_s = FIRST_PAUSE_S if healthy else self.pause_s
        refusals = (0 if healthy else self.refusals) + 1 if status == SETUP_STATUS else 0
        return Restarts(
            started_ns=self.started_ns,
            due_ns=now_ns + int(pause_s * NS_PER_S),
            pause_s=min(pause_s * 2, LONGEST_PAUSE_S),
            refusals=refusals,
        )


def describe(status: int) -> str:
    """How a process ended, in words."""
    if status < 0:
        known = {number.value: number.name for number in signal.Signals}
        return f"was ended by {known.get(-status, f'signal {-status}')}"
    return "ended by itself" if status == 0 else f"failed with status {status}"
