"""One process that is to be kept running."""

import signal
import subprocess
import sys

from backtalk import clock
from backtalk.child import Child
from backtalk.errors import SetupError
from backtalk.testing.waiting import wait_until


def _process(code: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", code])


def test_a_death_is_seen_once_and_the_process_is_due_again() -> None:
    """After a pause; what is told to one that is gone reaches nobody."""
    child = Child("worker", lambda: _process("import time; time.sleep(60)"), after_death=lambda: "its last words")
    child.start()
    assert not child.reap()
    child.tell(signal.SIGKILL)
    wait_until(child.reap, what="the death of the process")
    assert child.process is None
    assert not child.reap()
    assert child.restarts.due_ns > child.restarts.started_ns
    child.tell(signal.SIGTERM)


def test_what_cannot_be_started_is_tried_later() -> None:
    """The machine may be able to in a moment."""

    def start() -> "subprocess.Popen[bytes]":
        raise SetupError("no place to listen on", code="no_socket")

    child = Child("valkey", start)
    child.start_again()
    assert child.process is None
    assert child.restarts.due_ns > clock.monotonic_ns()
