"""Runs a command that ends when whoever asked for it does, with everything that it started.

In: the descriptor of a pipe that the asker holds open, and a command. Out: the command's exit status. The one rule: the
end of the pipe is the end of the command's whole group, also where the asker was killed.

It is a program of its own (`python -m backtalk.pipeline.guard`), since a killed process can end nothing.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Final

GRACE_S: Final = 5.0


def main(arguments: Sequence[str]) -> int:
    """Run the command of `LIFELINE COMMAND...` to its end, or to the end of the pipe."""
    lifeline, *command = arguments
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 -- the owner's
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}\n")
        return 127
    threading.Thread(target=_end_with, args=(int(lifeline), child), name="lifeline", daemon=True).start()
    status = child.wait()
    _signal_group(child.pid, signal.SIGKILL)
    return status if status >= 0 else 128 - status


def _end_with(lifeline: int, child: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(OSError):
        while os.read(lifeline, 1):
            pass
    child.terminate()  # a server ends its own in its own order
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_S)
    _signal_group(child.pid, signal.SIGKILL)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _pass(number: int, frame: FrameType | None) -> None:
    del number, frame


if __name__ == "__main__":
    for quiet in (signal.SIGINT, signal.SIGTERM):
        signal.signal(quiet, _pass)  # the pipe is what ends it; what is ignored the command would ignore, too
    sys.exit(main(sys.argv[1:]))
