"""What a call costs behind the answer: CPU of the worker and of its Valkey, for the same frames every time.

    python tests/bench/worker_cpu.py [--calls 3000] [--reps 3]

A spool that was written beforehand is given to a worker that has started; ledger and OTLP export run as ever. Times are
the scheduler's account of what was run, not the clock's, so a busy machine disturbs them less, and the least of the
repetitions is told. The digest is of all facts in the journal: two versions that decide the same print the same.
"""

import argparse
import hashlib
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from pydantic import SecretStr

from backtalk.installation import SECRET
from backtalk.model.facts import decode_entry
from backtalk.model.frames import AnyFrame, Closed, Heartbeat
from backtalk.session.embedded import EmbeddedServer
from backtalk.settings import SessionSettings, Settings, environ_for
from backtalk.spool import Tail
from backtalk.testing import frames
from backtalk.testing.load import processes
from backtalk.testing.redis_servers import ask

BEGIN_NS: Final = 1_900_000_000_000_000_000
"""Of the frames' time: ahead of any clock, so that no frame is ever behind and nothing is shed."""
_STEP_NS: Final = 1_000_000
_OPEN: Final = 16
"""Calls that are open at once, as in `load.py`."""
_TURNS: Final = 10
_WITHIN_S: Final = 300.0
_WORKER: Final = """
from backtalk import settings, worker
worker.run_worker(settings.load_inherited(), ready=lambda: print("ready", flush=True))
"""


class Cost(NamedTuple):
    """Microseconds a call, how many commands Redis ran a call, and the digest of what was decided."""

    worker_us: float
    valkey_us: float
    commands: dict[str, float]
    digest: str


def main() -> None:
    """Run all workloads in turn, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--reps", type=int, default=3)
    asked = parser.parse_args()
    for name, make in WORKLOADS.items():
        written = make(asked.calls)
        costs = [measure(written) for _ in range(asked.reps)]
        worker_us, valkey_us = min(c.worker_us for c in costs), min(c.valkey_us for c in costs)
        digests = " ".join(sorted({cost.digest[:12] for cost in costs}))
        ran = sorted((command, count) for command, count in costs[0].commands.items() if count >= 0.01)
        commands = " ".join(f"{command} {count:.2f}" for command, count in ran)
        sys.stdout.write(
            f"{name:<14} {worker_us + valkey_us:6.0f} us a call: worker {worker_us:.0f}, valkey {valkey_us:.0f};"
            f" facts {digests}\n{'':<14} commands a call: {commands}\n"
        )
        sys.stdout.flush()


def strangers(calls: int) -> list[AnyFrame]:
    """Calls of about 2 KB whose history nobody knows, as `load.py` asks them."""
    filler = "Tell me more about the matter at hand, please, and be brief. " * 5
    found: list[AnyFrame] = []
    for number in range(calls):
        texts = [f"{number}-{turn} {filler}"[:320] for turn in range(1, 6)]
        turns = [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts, 1)]
        messages = [{"role": "system", "content": "You are a helpful assistant."}, *turns]
        at_ns = BEGIN_NS + number * _STEP_NS
        found += frames.opened(number, at_ns, [*messages, {"role": "user", "content": "Go on."}])
        found.append(frames.closed(number, at_ns + _OPEN * _STEP_NS + 1, "word " * 120))
    return frames.in_order([found])


def conversations(calls: int) -> list[AnyFrame]:
    """Conversations side by side that grow turn by turn, with repeats and ratings."""
    each = [
        frames.conversation(name, _TURNS, at_ns=BEGIN_NS + name * 100_003, step_ns=40 * _STEP_NS)
        for name in range(max(1, calls // 13))
    ]
    return frames.in_order(each)


WORKLOADS: Final[dict[str, Callable[[int], list[AnyFrame]]]] = {"strangers": strangers, "conversations": conversations}


def measure(written: list[AnyFrame]) -> Cost:
    """Let a worker take the frames."""
    calls = sum(isinstance(frame, Closed) for frame in written)
    last_ns = written[-1].boot_ns + 10 * 1_000 * _STEP_NS
    with ExitStack() as stack:
        data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bt-bench-")))
        (data_dir / SECRET).write_text("07" * 32)
        owner = frames.write_spool(data_dir / "aside", [*written, Heartbeat(last_ns, last_ns)])
        server, valkey = stack.enter_context(_valkey(data_dir / "redis"))
        collector = stack.enter_context(_collector())
        worker = stack.enter_context(_worker(data_dir, server.url, collector))
        before = processes.precise_cpu_s([worker]), processes.precise_cpu_s([valkey])
        (data_dir / "aside" / owner).rename(data_dir / "spool" / owner)
        _wait(lambda: not any((data_dir / "spool").iterdir()))
        _settle(worker)
        used = processes.precise_cpu_s([worker]) - before[0], processes.precise_cpu_s([valkey]) - before[1]
        ran = {name: count / calls for name, count in _commands(server).items()}
        return Cost(1e6 * used[0] / calls, 1e6 * used[1] / calls, ran, _digest(data_dir / "journal"))


@contextmanager
def _valkey(directory: Path) -> Generator[tuple[EmbeddedServer, int]]:
    server = EmbeddedServer(directory)
    process = server.start()
    try:
        _wait(server.answers)
        yield server, process.pid
    finally:
        server.stop(process)


@contextmanager
def _collector() -> Generator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with subprocess.Popen([sys.executable, "-m", "oteltap", "--port", str(port)], stdout=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.terminate()


@contextmanager
def _worker(data_dir: Path, redis_url: str, collector: int) -> Generator[int]:
    (data_dir / "spool").mkdir()
    session = SessionSettings(redis_timeout_ms=5_000)
    settings = Settings(data_dir=data_dir, redis_url=SecretStr(redis_url), session=session)
    environ = environ_for(settings) | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector}"}
    command = [sys.executable, "-c", _WORKER]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            _settle(process.pid)
            yield process.pid
        finally:
            process.terminate()


def _settle(pid: int) -> None:
    """Wait until the followers have caught up too."""
    quiet = 0
    while quiet < 3:
        before = processes.precise_cpu_s([pid])
        time.sleep(0.5)
        quiet = quiet + 1 if processes.precise_cpu_s([pid]) - before < 0.02 else 0


def _wait(done: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _WITHIN_S
    while not done():
        if time.monotonic() > deadline_s:
            raise TimeoutError("the worker did not take all frames")
        time.sleep(0.02)


def _commands(server: EmbeddedServer) -> dict[str, int]:
    """What the server ran, by its own account."""
    told = ask(server.url, "INFO", "commandstats")
    lines = re.findall(r"cmdstat_(\S+?):calls=(\d+)", str(told))
    return {name: int(calls) for name, calls in lines}


def _digest(journal: Path) -> str:
    found = hashlib.sha256()
    with Tail(journal) as tail:
        while records := tail.read():
            for record in records:
                for fact in decode_entry(record.payload).facts:
                    found.update(msgspec.msgpack.encode(fact))
    return found.hexdigest()


if __name__ == "__main__":
    main()
