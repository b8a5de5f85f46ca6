"""How soon a call, its signal and its feedback are readable: `python tests/bench/freshness.py [seconds] [calls/s]`.

A journal is fed at a steady rate while the ledger's writer commits and compacts in a process of its own and the admin
listener runs in another. Some calls are followed from the moment their facts are durable until the trace document
shows them all. Exits with 1 where the p99 is above two seconds.
"""

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from threading import Thread
from typing import Any, Final

from backtalk.model.chat import Message, Request
from backtalk.model.facts import JournalEntry, encode_entry
from backtalk.model.ids import CallKey
from backtalk.settings import JournalSettings
from backtalk.spool.journal import Journal
from backtalk.telemetry import Metrics
from backtalk.testing import stories

LIMIT_S: Final = 2.0
WRITER: Final = """
import sys, threading
from pathlib import Path
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.ledger.writer import LedgerWriter
from backtalk.settings import LedgerSettings
from backtalk.spool.cursor import Cursor
from backtalk.spool.tail import Tail
from backtalk.telemetry import Metrics

root, stream = Path(sys.argv[1]), sys.argv[2]
mark = Cursor(root / "cursors" / "ledger", stream=stream)
settings = LedgerSettings(commit_s=1.0, compact_every=5)
ledger = Ledger(root / "ledger", stream, rows=Rows(b"secret"), compact_every=5, mark=mark)
writer = LedgerWriter(ledger, Tail(root / "journal", ledger.committed), settings, Metrics())
writer.start()
threading.Event().wait()
"""
ADMIN: Final = """
import sys
from pathlib import Path
import uvicorn
from backtalk.ledger.rows import Rows
from backtalk.model.meter import NoMeter
from backtalk.web.admin import admin_app

app = admin_app(Path(sys.argv[1]), Rows(b"secret"), "token", NoMeter())
server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="on"))
started = server.startup

async def startup(sockets=None):
    await started(sockets)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)

server.startup = startup
server.run()
"""


def main() -> int:
    """Run, print, judge."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 200.0
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        journal = Journal.open(root / "journal", JournalSettings(), metrics=Metrics())
        with (
            subprocess.Popen([sys.executable, "-c", WRITER, directory, journal.id]) as writer,
            subprocess.Popen([sys.executable, "-c", ADMIN, directory], stdout=subprocess.PIPE) as admin,
        ):
            try:
                assert admin.stdout is not None
                url = f"http://127.0.0.1:{int(admin.stdout.readline())}"
                waits_s, calls = feed(journal, url, seconds, rate)
                memory = int(Path(f"/proc/{admin.pid}/statm").read_text(encoding="ascii").split()[1]) * 4 / 1024
            finally:
                writer.kill()
                admin.kill()
        journal.close()
    waits_s.sort()
    p50_s, p99_s = (waits_s[int(share * (len(waits_s) - 1))] for share in (0.5, 0.99))
    sys.stdout.write(
        f"{len(waits_s)} of {calls} calls followed at {calls / seconds:.0f} calls/s: readable after p50"
        f" {p50_s * 1e3:.0f} ms, p99 {p99_s * 1e3:.0f} ms, worst {waits_s[-1] * 1e3:.0f} ms;"
        f" admin process {memory:.0f} MB\n"
    )
    return int(p99_s > LIMIT_S)


def feed(journal: Journal, url: str, seconds: float, rate: float) -> tuple[list[float], int]:
    """Append calls, each with signal and feedback, at a steady rate; the times of the followed ones, and how many."""
    waits_s: list[float] = []
    followers: list[Thread] = []
    begin, number = time.monotonic(), 0
    while (now := time.monotonic()) < begin + seconds:
        if number / rate > now - begin:
            time.sleep(number / rate - (now - begin))
        number += 1
        key = append(journal, number)
        if number % 23 == 0:
            follower = Thread(target=follow, args=(url, key, time.monotonic(), waits_s))
            follower.start()
            followers.append(follower)
    for follower in followers:
        follower.join()
    return waits_s, number


def append(journal: Journal, number: int) -> CallKey:
    """One call as the worker decides it: opened, closed, and what was said of it."""
    wall_ns = time.time_ns()
    history = tuple(Message("user", f"{number % 400} {turn} {'lorem ipsum ' * 40}") for turn in range(8))
    opened = stories.opened(opened_ns=wall_ns, request=Request(model="small", messages=history))
    call = stories.closed(call=opened, closed_ns=wall_ns, response_id=f"r-{number}", session_id=f"s-{number % 400}")
    target = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
    facts = (stories.linked(opened, linked_ns=wall_ns), call)
    journal.append(encode_entry(JournalEntry(facts)))
    later = (stories.signal(call.key, call.key, found_ns=wall_ns), stories.feedback(given_ns=wall_ns, **target))
    journal.append(encode_entry(JournalEntry(later)))
    return call.key


def follow(url: str, key: CallKey, since: float, waits_s: list[float]) -> None:
    """Ask until the document has everything."""
    while not is_whole(get(f"{url}/v1/traces/{key.trace_id}")):
        time.sleep(0.05)
    waits_s.append(time.monotonic() - since)


def is_whole(document: dict[str, Any]) -> bool:
    """Whether the call, its session, its signal and its feedback are there."""
    calls = document.get("calls", [])
    return bool(calls and calls[0]["session"] and calls[0]["signals"] and calls[0]["feedback"])


def get(url: str) -> dict[str, Any]:
    """A document; empty while there is none."""
    request = urllib.request.Request(url, headers={"authorization": "Bearer token"})  # noqa: S310 -- our own listener
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- likewise
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError:
        return {}


if __name__ == "__main__":
    sys.exit(main())
