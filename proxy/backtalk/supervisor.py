"""The parent of `backtalk serve`: binds the ports, starts every process, restarts what dies, ends all in order.

In: settings. Out: running processes and an exit status. The one rule: it does nothing else, so it does not die; and
nothing heavy is imported here, since the first call is to be answered soon after the start.
"""

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

from pydantic import SecretStr

from backtalk import clock
from backtalk.child import Child, Start
from backtalk.listeners import Listeners, announced
from backtalk.plugin.discovery import load_annotators
from backtalk.process import keep_private, own_data_dir
from backtalk.restarts import SETUP_STATUS
from backtalk.settings import Settings, environ_for, target_keys
from backtalk.telemetry import sweep
from backtalk.virtual_keys import KeyRing

HEAD_START_S: Final = 1.0
DRAIN_S: Final = 10.0
_ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """The signals of this process as events: handlers do nothing, the loop reads which have come."""

    def __init__(self) -> None:
        self._read, self._write = _pipe()
        asked = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]  # nohup ignores one
        self._watched = (*asked, signal.SIGCHLD)
        self._before = [signal.signal(number, _ignore) for number in self._watched]
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def fileno(self) -> int:
        """For `select`."""
        return self._read

    def take(self) -> int:
        """How many times the end was asked for since the last look."""
        with contextlib.suppress(BlockingIOError):
            return sum(number in _ENDING for number in os.read(self._read, 4096))
        return 0

    def close(self) -> None:
        """Give the signals back."""
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in zip(self._watched, self._before, strict=True):
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._write)


class Supervisor:
    """Keeps children running until a signal asks for the end; `stages` are ended one after the other.

    The first stage answers calls: the processor is its alone until it is ready, or `HEAD_START_S` have passed.
    """

    def __init__(self, stages: Sequence[Sequence[Child]], *, ready: int, announce: Callable[[], None]) -> None:
        self._stages = stages
        self._children = [child for stage in stages for child in stage]
        self._ready: int | None = ready
        self._announce = announce
        self._asked = 0

    def run(self) -> int:
        """Start everything at once, watch, and end it in order; returns the exit status."""
        signals = Signals()
        try:
            for child in self._children:
                if child.waits:
                    child.restarts = child.restarts.delayed(clock.monotonic_ns(), HEAD_START_S)
                else:
                    child.start()
            status = self._watch(signals)
            self._end(signals)
            return status
        finally:
            for child in self._children:
                child.tell(signal.SIGKILL)
            signals.close()

    def _watch(self, signals: Signals) -> int:
        while not self._asked:
            self._wait(signals, self._until_due_s())
            now = clock.monotonic_ns()
            for child in self._children:
                if child.reap() and child.restarts.hopeless:
                    return SETUP_STATUS
                if child.process is None and child.restarts.due_ns <= now and not self._asked:
                    child.start_again()
        return 0

    def _wait(self, signals: Signals, timeout_s: float) -> None:
        watched: list[Signals | int] = [signals] if self._ready is None else [signals, self._ready]
        readable, _, _ = select.select(watched, [], [], timeout_s)
        if self._ready is not None and self._ready in readable:
            self._ready = None
            for child in self._children:
                if child.waits:
                    child.restarts = child.restarts.hurried(clock.monotonic_ns())
            self._announce()
        self._asked += signals.take()

    def _until_due_s(self) -> float:
        """Until the next restart; at most a second, should a signal ever be missed."""
        due = [child.restarts.due_ns for child in self._children if child.process is None]
        until_ns = min(due, default=clock.NS_PER_S + clock.monotonic_ns()) - clock.monotonic_ns()
        return min(1.0, max(0.0, until_ns / clock.NS_PER_S))

    def _end(self, signals: Signals) -> None:
        for stage in self._stages:
            for child in stage:
                child.tell(signal.SIGTERM)
            give_up_ns = clock.monotonic_ns() + int(DRAIN_S * clock.NS_PER_S)
            while any(child.process is not None and child.process.poll() is None for child in stage):
                if clock.monotonic_ns() > give_up_ns or self._asked > 1:
                    for child in stage:
                        child.tell(signal.SIGKILL)
                self._wait(signals, 0.05)


def serve(settings: Settings, *, command: Sequence[str] = (sys.executable, "-m", "backtalk", "_child")) -> int:
    """Run everything on this machine until SIGTERM or SIGINT; `command` is what a child is started with."""
    logging.basicConfig(level=settings.log_level.upper(), format="backtalk: %(message)s", stream=sys.stderr)
    keep_private()
    target_keys(settings)  # a key that is not there is said at once, not by a child that starts again and again
    load_annotators(settings.annotate.annotators, settings.plugin)  # likewise
    lock = own_data_dir(settings.data_dir)
    try:
        KeyRing.open(settings.data_dir)  # said here, since a child that cannot read it would be started again and again
        with Listeners(settings) as listeners:
            sweep(settings.data_dir / "metrics")
            with announced(listeners.addresses, settings):
                return _serve(settings, listeners, command)
    finally:
        os.close(lock)


def _serve(settings: Settings, listeners: Listeners, command: Sequence[str]) -> int:
    from backtalk.session.embedded import EmbeddedServer  # noqa: PLC0415 - loaded only where it is used

    update: dict[str, object] = {
        "port": listeners.public.getsockname()[1],
        "admin_port": listeners.admin.getsockname()[1],
    }
    server = None if settings.redis_url else EmbeddedServer(settings.data_dir / "redis")
    if server is not None:
        update["redis_url"] = SecretStr(server.url)
    environ = environ_for(settings.model_copy(update=update))
    lifeline_read, lifeline_write = os.pipe()
    ready_read, ready_write = os.pipe()

    def python(kind: str, listener: socket.socket | None = None, *, ready: int = ready_write) -> Start:
        fds = [lifeline_read, ready, *([listener.fileno()] if listener else [])]
        words = [*command, kind, *map(str, fds)]
        return lambda: subprocess.Popen(words, env=environ, pass_fds=fds, process_group=0)  # noqa: S603 - ourselves

    quiet = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    numbers = range(1, settings.workers + 1)
    proxies = [
        Child("proxy" if settings.workers == 1 else f"proxy {n}", python("proxy", listeners.public)) for n in numbers
    ]
    worker = Child("worker", python("worker", ready=quiet), waits=True)
    admin = Child("admin", python("admin", listeners.admin, ready=quiet), waits=True)
    redis = [Child("valkey", server.start, after_death=server.after_death)] if server else []

    def announce() -> None:
        public, admin = listeners.addresses
        print(f"Backtalk listens on {public}/v1 and sends calls on to {settings.upstream}")  # noqa: T201 - what a person waits for
        print(f"Admin on {admin}, data in {settings.data_dir}; `backtalk console` opens the page", flush=True)  # noqa: T201

    try:
        return Supervisor([proxies, [worker], [admin], redis], ready=ready_read, announce=announce).run()
    finally:
        for descriptor in (lifeline_read, lifeline_write, ready_read, ready_write, quiet):
            os.close(descriptor)


def _pipe() -> tuple[int, int]:
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    return read, write


def _ignore(number: int, frame: FrameType | None) -> None:
    """A handler must be there for the wakeup descriptor to be written."""
    del number, frame
