"""What feedback costs and how soon it is acknowledged: 5,000 a second on one core, p99 below 20 ms.

    python tests/bench/feedback.py [--seconds 4] [--reps 3] [--rate 5000] [--no-check]

Each feedback names a call that is known, has an idempotency key, and is acknowledged once it is synced to the disk: two
round trips to Valkey and one `fdatasync`, shared with those that come at the same time. The proxy runs on the first
CPU alone; load, Valkey, worker and ledger share the last. A second scenario is as fast as answers come. What the
machine did meanwhile is told: how long one sync takes, and how busy the CPUs were with others. CPU time is the
scheduler's account, which a busy machine disturbs less than the clock. Exits 1 where a bar is missed.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, NamedTuple

from backtalk.testing.load import processes
from backtalk.testing.provider import running_provider
from backtalk.testing.serve import Backtalk, running_backtalk

RATE: Final = 5_000.0
P99_MS: Final = 20.0
_CALLS: Final = 200
_SYNCS: Final = 200


class Scenario(NamedTuple):
    """A load: items a second (0: as fast as answers come), over how many connections, how many in a request."""

    name: str
    rate: float
    connections: int
    batch: int = 1


def main() -> int:
    """Run all, print the table, check the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--lookup-ms", type=float, default=50.0, help="more, where others keep Valkey from answering")
    parser.add_argument("--no-check", action="store_true", help="print the figures without judging them")
    asked = parser.parse_args()
    scenarios = (
        Scenario("saturation", 0.0, 64),
        Scenario("steady", asked.rate, 64),
        Scenario("batches", asked.rate, 8, 50),
    )
    with (
        tempfile.TemporaryDirectory(prefix="bt-bench-", dir=Path.cwd()) as name,
        _running(Path(name), asked.lookup_ms) as backtalk,
    ):
        ids = Path(name) / "ids"
        ids.write_text("\n".join(_calls(backtalk)), encoding="ascii")
        rows = [_measure(backtalk, scenario, ids, asked.seconds) for _ in range(asked.reps) for scenario in scenarios]
    return _report(rows, scenarios, check=not asked.no_check)


@contextlib.contextmanager
def _running(directory: Path, lookup_ms: float) -> Generator[Backtalk]:
    with (
        running_provider() as provider,
        running_backtalk(provider.url, directory / "data", feedback__lookup_ms=lookup_ms) as backtalk,
    ):
        for kind in ("proxy", "worker", "admin", "redis"):
            for pid in backtalk.pids(kind):
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    os.sched_setaffinity(int(thread.name), {_cpu(0 if kind == "proxy" else -1)})
        yield backtalk


def _calls(backtalk: Backtalk) -> list[str]:
    """Make calls that feedback can name, and wait until the last is known."""
    body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": "Hello?"}]}).encode()
    headers = {"authorization": "Bearer sk-load", "content-type": "application/json"}
    found: list[str] = []
    for _ in range(_CALLS):
        request = urllib.request.Request(f"{backtalk.url}/v1/chat/completions", body, headers)  # noqa: S310 -- our own
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            found.append(answer.headers["x-request-id"])
            answer.read()
    backtalk.wait_for_trace(found[-1][:32])
    return found


def _measure(backtalk: Backtalk, scenario: Scenario, ids: Path, seconds: float) -> dict[str, Any]:
    port = backtalk.url.rpartition(":")[2]
    how = {"rate": scenario.rate / scenario.batch, "connections": scenario.connections, "batch": scenario.batch}
    options = [f"--{name}={value}" for name, value in {**how, "seconds": seconds}.items()]
    command = [*_pinned(-1), sys.executable, "-m", "backtalk.testing.load.feedback", port, str(ids), *options]
    sync_ms, busy = _sync_ms(ids.parent), _Busy(_own(backtalk))
    before = {kind: processes.precise_cpu_s(pids) for kind, pids in _own(backtalk).items()}
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    outcome: dict[str, Any] = json.loads(done.stdout)
    others = busy.others()
    used = {kind: processes.precise_cpu_s(pids) - before[kind] for kind, pids in _own(backtalk).items()}
    return {"scenario": scenario.name, "used_s": used, "sync_ms": sync_ms, "others": others, **outcome}


def _own(backtalk: Backtalk) -> dict[str, list[int]]:
    return {"proxy": backtalk.pids("proxy"), "worker": backtalk.pids("worker"), "valkey": backtalk.pids("redis")}


class _Busy:
    """How busy the machine's CPUs are with what is not ours."""

    def __init__(self, own: dict[str, list[int]]) -> None:
        self._pids = [pid for pids in own.values() for pid in pids]
        self._began = time.perf_counter(), _busy_s(), self._own_s()

    def others(self) -> float:
        """CPUs that others used on average since the beginning; the load generator's child counts as ours."""
        began_s, busy_s, own_s = self._began
        return max(0.0, (_busy_s() - busy_s - (self._own_s() - own_s)) / (time.perf_counter() - began_s))

    def _own_s(self) -> float:
        reaped = os.times()
        return processes.precise_cpu_s(self._pids) + reaped.children_user + reaped.children_system


def _busy_s() -> float:
    fields = [int(value) for value in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / os.sysconf("SC_CLK_TCK")


def _sync_ms(directory: Path) -> float:
    """The median time of one `fdatasync` of 1 KB."""
    path, times = directory / "sync", list[float]()
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    for _ in range(_SYNCS):
        os.write(file, b"x" * 1024)
        began = time.perf_counter()
        os.fdatasync(file)
        times.append(1e3 * (time.perf_counter() - began))
    os.close(file)
    path.unlink()
    return statistics.median(times)


class Figures(NamedTuple):
    """Medians over the repetitions of a scenario."""

    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    echo_percent: float
    cpu_us: dict[str, float]
    sync_ms: float
    others: float

    @classmethod
    def of(cls, rows: list[dict[str, Any]]) -> "Figures":
        """Add up."""
        kinds: dict[str, float] = rows[0]["used_s"]
        return cls(
            rate=statistics.median(row["items"] / row["seconds"] for row in rows),
            p50_ms=statistics.median(row["p50_us"] for row in rows) / 1e3,
            p99_ms=statistics.median(row["p99_us"] for row in rows) / 1e3,
            errors=sum(row["errors"] for row in rows),
            echo_percent=statistics.median(100 * row["resolved"] / max(1, row["items"]) for row in rows),
            cpu_us={k: statistics.median(1e6 * r["used_s"][k] / max(1, r["items"]) for r in rows) for k in kinds},
            sync_ms=statistics.median(row["sync_ms"] for row in rows),
            others=statistics.median(row["others"] for row in rows),
        )


def _report(rows: list[dict[str, Any]], scenarios: tuple[Scenario, ...], *, check: bool) -> int:
    out = sys.stdout.write
    out(f"\n{'feedback':<12}{'/s':>8}{'p50 ms':>9}{'p99 ms':>9}{'errors':>8}{'echo %':>8}  CPU us each; the machine\n")
    missed: list[str] = []
    for scenario in scenarios:
        found = Figures.of([row for row in rows if row["scenario"] == scenario.name])
        cost = "  ".join(f"{kind} {us:.0f}" for kind, us in found.cpu_us.items())
        out(f"{scenario.name:<12}{found.rate:>8.0f}{found.p50_ms:>9.2f}{found.p99_ms:>9.2f}{found.errors:>8}")
        out(f"{found.echo_percent:>8.1f}  {cost}; a sync {found.sync_ms:.2f} ms, others {found.others:.2f} CPUs\n")
        if found.errors or found.rate < 0.98 * (scenario.rate or RATE):
            missed.append(f"{scenario.name}: rate")
        if scenario.rate and found.p99_ms > P99_MS:
            missed.append(f"{scenario.name}: p99")
    out(f"missed: {', '.join(missed)}\n" if missed else "every bar is met\n")
    return int(check and bool(missed))


def _cpu(number: int) -> int:
    return sorted(os.sched_getaffinity(0))[number]


def _pinned(cpu: int) -> list[str]:
    return ["taskset", "-c", str(_cpu(cpu))] if shutil.which("taskset") else []


if __name__ == "__main__":
    sys.exit(main())
