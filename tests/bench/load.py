"""What a call costs: CPU per call and per chunk of every Backtalk process, against nginx and a direct call, in one run.

    python tests/bench/load.py [--seconds 4] [--reps 3] [--no-check]

Load and upstream run on the last CPU, the proxies under test on the first. Repetitions alternate between the systems
and figures are medians of ratios within a repetition, since machines drift. A ratio to nginx is only fair where nginx
runs at its fastest, which no load made in Python lets it: with `wrk` on PATH (Debian: `apt-get install wrk`) the
saturation is its, and nginx itself answers as the upstream. Exits 1 where a bar is missed, and says which.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backtalk.testing.load import processes
from backtalk.testing.load.upstream import answer

BARS: Final = {
    "proxy CPU per call, x nginx": 8.0,
    "proxy CPU per chunk, x nginx": 3.0,
    "worker, Valkey, exporters: CPU us per call": 1500.0,
    "added p50, ms": 2.0,
    "proxy idle, MB": 60.0,
    "first answer after start, s": 1.5,
}
_NGINX: Final = """
worker_processes 1; daemon off; error_log stderr crit; pid {directory}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  upstream model {{ server 127.0.0.1:{upstream}; keepalive 256; }}
  server {{ listen 127.0.0.1:{port} backlog=1024; keepalive_requests 1000000;
    location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_buffering off; proxy_request_buffering off; }} }}
}}
"""
_UPSTREAM: Final = """
worker_processes 1; daemon off; error_log stderr crit; pid {directory}/upstream.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {directory}/body2; proxy_temp_path {directory}/proxy2;
  fastcgi_temp_path {directory}/f2; uwsgi_temp_path {directory}/u2; scgi_temp_path {directory}/s2;
  default_type application/json;
  upstream slow {{ server 127.0.0.1:{slow}; keepalive 256; }}
  server {{ listen 127.0.0.1:{port} backlog=1024; keepalive_requests 1000000000;
    location / {{ if ($http_x_load) {{ return 200 '{answer}'; }}
                  proxy_pass http://slow; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_buffering off; proxy_request_buffering off; }} }}
}}
"""
"""Answers what wrk asks by itself, and passes the rest to the upstream that knows how to stream."""
_CHAT: Final = Path(__file__).parent / "chat.lua"


@dataclass(frozen=True, slots=True)
class System:
    """Something that answers calls, and the processes it is made of by what they do."""

    name: str
    port: int
    pids: dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load: what is asked, over how many connections, how fast (0: as fast as it goes)."""

    name: str
    model: str
    connections: int
    rate: float = 0.0


SCENARIOS: Final = (
    Scenario("saturation", "json-600", 16),
    Scenario("30 calls/s", "json-600", 4, 30.0),
    Scenario("8 streams", "stream-100-10", 8),
    Scenario("100 fast streams", "stream-200-2", 100),
)


def main() -> int:
    """Run all, print the table, check the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--no-check", action="store_true", help="print the figures without judging them")
    asked = parser.parse_args()
    if shutil.which("nginx", path=f"{os.defpath}:/usr/sbin") is None:
        sys.stdout.write("skipped: the comparison needs nginx on PATH\n")
        return 0
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bt-bench-")))
        upstream = stack.enter_context(_fast_upstream(directory, stack.enter_context(_upstream())))
        nginx = stack.enter_context(_nginx(directory, upstream))
        collector = stack.enter_context(_collector())
        started = time.perf_counter()
        backtalk = stack.enter_context(_backtalk(directory, upstream, collector))
        first_answer_s = time.perf_counter() - started
        systems = (System("direct", upstream, {}), nginx, backtalk)
        idle_mb = processes.pss_bytes(backtalk.pids["proxy"][0]) / 1e6
        rows = [
            _measure(system, scenario, asked.seconds)
            for _ in range(asked.reps)
            for scenario in SCENARIOS
            for system in systems
        ]
    return _report(rows, {"proxy idle, MB": idle_mb, "first answer after start, s": first_answer_s}, not asked.no_check)


def _measure(system: System, scenario: Scenario, seconds: float) -> dict[str, Any]:
    before = {kind: processes.precise_cpu_s(pids) for kind, pids in system.pids.items()}
    command = _load(system.port, scenario, seconds)
    done = subprocess.run([*_pinned(-1), *command], capture_output=True, check=True, timeout=120)
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    _settle(system)
    used = {kind: processes.precise_cpu_s(pids) - before[kind] for kind, pids in system.pids.items()}
    return {"system": system.name, "scenario": scenario.name, "used_s": used, **outcome}


def _load(port: int, scenario: Scenario, seconds: float) -> list[str]:
    """The command that loads a port: wrk where it can, else our own client."""
    if scenario.name == "saturation" and shutil.which("wrk"):
        how = ["-t", "1", "-c", str(scenario.connections), "-d", str(max(1, round(seconds)))]
        return ["wrk", *how, "-s", str(_CHAT), f"http://127.0.0.1:{port}", "--", str(time.time_ns() % 10**9)]
    how = ["--model", scenario.model, "--connections", str(scenario.connections)]
    how += ["--seconds", str(seconds), "--rate", str(scenario.rate)]
    return [sys.executable, "-m", "backtalk.testing.load.client", str(port), *how]


def _settle(system: System) -> None:
    """Wait until what is behind the answer (worker, ledger, exporters) has caught up, so that it is counted."""
    pids = [pid for kind, group in system.pids.items() if kind != "proxy" for pid in group]
    for _ in range(120):
        before = processes.precise_cpu_s(pids)
        time.sleep(0.5)
        if processes.precise_cpu_s(pids) - before < 0.05:
            return


def _report(rows: list[dict[str, Any]], figures: dict[str, float], check: bool) -> int:
    out = sys.stdout.write
    heads = f"{'calls/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'errors':>8}  CPU us per call (chunk)"
    out(f"\n{'scenario':<18}{'system':<10}{heads}\n")
    for scenario in SCENARIOS:
        for system in ("direct", "nginx", "backtalk"):
            mine = [r for r in rows if r["scenario"] == scenario.name and r["system"] == system]
            kinds = mine[0]["used_s"]
            unit = "chunks" if mine[0]["chunks"] else "calls"
            cost = "  ".join(f"{k} {_median(1e6 * r['used_s'][k] / r[unit] for r in mine):.1f}" for k in kinds)
            out(
                f"{scenario.name:<18}{system:<10}{_median(r['calls'] / r['seconds'] for r in mine):>9.0f}"
                f"{_median(r['p50_us'] / 1e3 for r in mine):>9.2f}{_median(r['p99_us'] / 1e3 for r in mine):>9.2f}"
                f"{sum(r['errors'] for r in mine):>8}  {cost}\n"
            )
    figures = figures | {
        "proxy CPU per call, x nginx": _ratio(rows, "saturation", "calls"),
        "proxy CPU per chunk, x nginx": max(_ratio(rows, s, "chunks") for s in ("8 streams", "100 fast streams")),
        "worker, Valkey, exporters: CPU us per call": _behind_us(rows),
        "added p50, ms": _p50(rows, "backtalk") - _p50(rows, "direct"),
    }
    missed = [name for name, bar in BARS.items() if figures[name] > bar]
    out("\n" + "".join(f"{name:<44}{figures[name]:>9.2f}   bar {bar:g}\n" for name, bar in BARS.items()))
    out(f"missed: {', '.join(missed)}\n" if missed else "every bar is met\n")
    return int(check and bool(missed))


def _ratio(rows: list[dict[str, Any]], scenario: str, unit: str) -> float:
    ours = [r for r in rows if r["scenario"] == scenario and r["system"] == "backtalk"]
    theirs = [r for r in rows if r["scenario"] == scenario and r["system"] == "nginx"]
    return _median(
        (a["used_s"]["proxy"] / a[unit]) / (b["used_s"]["nginx"] / b[unit]) for a, b in zip(ours, theirs, strict=True)
    )


def _behind_us(rows: list[dict[str, Any]]) -> float:
    mine = [r for r in rows if r["scenario"] == "saturation" and r["system"] == "backtalk"]
    return _median(1e6 * (r["used_s"]["worker"] + r["used_s"]["valkey"]) / r["calls"] for r in mine)


def _p50(rows: list[dict[str, Any]], system: str) -> float:
    return _median(r["p50_us"] / 1e3 for r in rows if r["scenario"] == "30 calls/s" and r["system"] == system)


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)


@contextlib.contextmanager
def _upstream() -> Generator[int]:
    with _process([*_pinned(-1), sys.executable, "-m", "backtalk.testing.load.upstream"], stdout=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


@contextlib.contextmanager
def _fast_upstream(directory: Path, slow: int) -> Generator[int]:
    port, configuration = _free_port(), directory / "upstream.conf"
    body = answer(600).partition(b"\r\n\r\n")[2].decode()
    configuration.write_text(_UPSTREAM.format(directory=directory, slow=slow, port=port, answer=body))
    with _process([*_pinned(-1), "nginx", "-c", str(configuration), "-e", "stderr"]):
        _answers(port)
        yield port


@contextlib.contextmanager
def _nginx(directory: Path, upstream: int) -> Generator[System]:
    port = _free_port()
    configuration = directory / "nginx.conf"
    configuration.write_text(_NGINX.format(directory=directory, upstream=upstream, port=port))
    with _process([*_pinned(0), "nginx", "-c", str(configuration), "-e", "stderr"]) as process:
        _answers(port)
        yield System("nginx", port, {"nginx": processes.tree(process.pid)})


@contextlib.contextmanager
def _collector() -> Generator[int]:
    """An OTLP receiver, so that exporting is part of what is measured."""
    port = _free_port()
    with _process([*_pinned(-1), sys.executable, "-m", "oteltap", "--port", str(port)]):
        yield port


@contextlib.contextmanager
def _backtalk(directory: Path, upstream: int, collector: int) -> Generator[System]:
    port, admin = _free_port(), _free_port()
    environ = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector}"}  # noqa: TID251 -- for a child
    arguments = ["--upstream", f"http://127.0.0.1:{upstream}", "--port", str(port), "--admin-port", str(admin)]
    command = [
        *_pinned(0),
        sys.executable,
        "-m",
        "backtalk",
        "serve",
        *arguments,
        "--data-dir",
        str(directory / "data"),
    ]
    with _process(command, environ=environ) as process:
        _answers(port)
        yield System("backtalk", port, _by_kind(process.pid))


def _by_kind(root: int) -> dict[str, list[int]]:
    """Wait until every process of `serve` runs, and name them by what they do."""
    wanted = {"proxy": "_child proxy", "worker": "_child worker", "admin": "_child admin", "valkey": "-server"}
    found: dict[str, list[int]] = {}
    for _ in range(200):
        commands = {pid: processes.command(pid) for pid in processes.tree(root)}
        found = {kind: [pid for pid, line in commands.items() if mark in line] for kind, mark in wanted.items()}
        if all(found.values()):
            return found
        time.sleep(0.05)
    raise TimeoutError(f"not every process of serve runs: {found}")


@contextlib.contextmanager
def _process(
    command: list[str], *, stdout: bool = False, environ: dict[str, str] | None = None
) -> Generator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(command, stdout=subprocess.PIPE if stdout else subprocess.DEVNULL, env=environ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(port: int) -> None:
    """Wait until a call passes: an answer of the upstream, through whatever is in front of it."""
    body = json.dumps({"model": "json-10", "messages": [{"role": "user", "content": "ready?"}]}).encode()
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    for _ in range(2000):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=2):
                return
        except OSError:
            time.sleep(0.01)
    raise TimeoutError(url)


def _pinned(cpu: int) -> list[str]:
    return ["taskset", "-c", str(sorted(os.sched_getaffinity(0))[cpu])] if shutil.which("taskset") else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
