"""Runs a command that ends when whoever asked for it does, with everything that it started.

In: a command. Out: its exit status, and what it writes. The one rule: the end of a pipe that the asker holds is the end
of the command's whole group, also where the asker was killed.

It is a program of its own (`python -m backtalk.guard LIFELINE GRACE_S COMMAND...`): a killed process can end nothing.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, Final

_MODULE: Final = "backtalk.guard"
_LONGEST_END_S: Final = 5.0
"""So long may the guard itself take to end, beyond the grace."""


class Guarded:
    """A command that runs under a guard."""

    def __init__(self, process: "subprocess.Popen[bytes]", held: IO[bytes]) -> None:
        self.process = process
        """The guard: it ends with the command, and its status is the command's (128 and the number of a signal)."""
        self._held = held

    def end(self) -> None:
        """End the command and all that it started; it may be over already, and any thread may ask."""
        self._held.close()


@contextlib.contextmanager
def guarded(
    command: Sequence[str],
    *,
    output: int | IO[bytes] = subprocess.PIPE,
    grace_s: float = 0.0,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Generator[Guarded]:
    """A command that runs at most as long as the block, and never longer than this process.

    It is killed at once, or asked to end and killed after `grace_s`. What it says, errors too, goes to `output`; a
    program that cannot be started says so there, with status 127.
    """
    lifeline, other = os.pipe()
    with os.fdopen(lifeline, "rb", buffering=0) as ours, os.fdopen(other, "wb", buffering=0) as held:
        # -P: a file beside the command is never taken for a module of the guard's
        words = [sys.executable, "-P", "-m", _MODULE, str(lifeline), str(grace_s), *command]
        process = subprocess.Popen(  # noqa: S603 -- the owner's command; in a session of its own no terminal ends it
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, pass_fds=[lifeline],
            cwd=cwd, env=environ, start_new_session=True,
        )  # fmt: skip
        ours.close()
        try:
            yield Guarded(process, held)
        finally:
            held.close()
            _wait(process, grace_s + _LONGEST_END_S)
            if process.stdout is not None:
                process.stdout.close()


def _wait(process: "subprocess.Popen[bytes]", longest_s: float) -> None:
    try:
        process.wait(longest_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(arguments: Sequence[str]) -> int:
    """Run the command of `LIFELINE GRACE_S COMMAND...` to its end, or to the end of the pipe."""
    lifeline, grace_s, *command = arguments
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 -- the owner's
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}\n")
        return 127
    ending = (int(lifeline), float(grace_s), child)
    threading.Thread(target=_end_with, args=ending, name="lifeline", daemon=True).start()
    status = child.wait()
    _kill_group(child.pid)
    return status if status >= 0 else 128 - status


def _end_with(lifeline: int, grace_s: float, child: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(OSError):
        while os.read(lifeline, 1):
            pass
    if grace_s > 0:
        child.terminate()  # a server ends its own in its own order
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace_s)
    _kill_group(child.pid)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _pass(number: int, frame: FrameType | None) -> None:
    del number, frame


if __name__ == "__main__":
    for quiet in (signal.SIGINT, signal.SIGTERM):
        signal.signal(quiet, _pass)  # the pipe is what ends it; what is ignored the command would ignore, too
    sys.exit(main(sys.argv[1:]))
