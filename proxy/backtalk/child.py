"""One process that is to be kept running.

In: what starts it. Out: its starts, its death with what it said, and when it is due again. The one rule: nothing here
waits; the supervisor looks, and decides with `restarts`.
"""

import contextlib
import logging
import signal
import subprocess
from collections.abc import Callable

from backtalk import clock
from backtalk.errors import SetupError
from backtalk.restarts import LONGEST_PAUSE_S, Restarts, describe

_log = logging.getLogger(__name__)
Start = Callable[[], "subprocess.Popen[bytes]"]
"""Starts the process."""


class Child:
    """One process to be kept running: what starts it, how it fares, when it is to be started again."""

    def __init__(
        self, name: str, start: Start, *, after_death: Callable[[], str | None] = lambda: None, waits: bool = False
    ) -> None:
        self.name = name
        self.waits = waits
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts = Restarts()
        self._start = start
        self._after_death = after_death

    def start(self) -> None:
        """Start it now."""
        self.restarts = self.restarts.started(clock.monotonic_ns())
        self.process = self._start()

    def start_again(self) -> None:
        """Start it, or try later where the machine cannot now."""
        try:
            self.start()
        except (OSError, SetupError) as error:
            _log.warning("%s cannot be started: %s", self.name, error)
            self.restarts = self.restarts.delayed(clock.monotonic_ns(), LONGEST_PAUSE_S)

    def reap(self) -> bool:
        """Whether it has just ended; then it is due again after a pause."""
        if self.process is None or (status := self.process.poll()) is None:
            return False
        pid, self.process = self.process.pid, None
        now_ns = clock.monotonic_ns()
        self.restarts = self.restarts.died(status, now_ns)
        said = self._after_death()
        reason = f"{describe(status)}; {said}" if said else describe(status)
        pause_s = (self.restarts.due_ns - now_ns) / clock.NS_PER_S
        _log.warning("%s (pid %d) %s; it starts again in %.1f s", self.name, pid, reason, pause_s)
        return True

    def tell(self, what: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(what)
