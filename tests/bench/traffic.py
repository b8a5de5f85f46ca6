"""Recorded traffic against its truth: run `python tests/bench/traffic.py [FILE]`; exits 1 where it is below a bar.

Without FILE it takes ../shared/signals/dev/traffic.jsonl beside the project; where that is absent it says so, exit 0.
`--through` says what it goes through: the desk with a store in memory or in Redis, or a real worker process from spool
to journal (the last two need REDIS_URL). `--wrong` lists what was missed.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from backtalk.detect.desk import Desk
from backtalk.model.facts import Fact
from backtalk.model.frames import Closed, Opened
from backtalk.model.meter import NoMeter
from backtalk.plugin.discovery import load_detectors
from backtalk.session.memory_store import MemorySessionStore
from backtalk.session.redis_store import RedisSessionStore
from backtalk.session.store import SessionStore
from backtalk.settings import Settings, load
from backtalk.testing.traffic.drive import in_order, through_desk
from backtalk.testing.traffic.records import read
from backtalk.testing.traffic.score import Score, score
from backtalk.testing.traffic.worker import PATIENT_MS, through_worker

DATA: Final = Path(__file__).resolve().parents[3] / "shared" / "signals" / "dev" / "traffic.jsonl"
SECRET: Final = b"a secret of thirty-two bytes....."
SESSION_F1_BAR: Final = 0.990
PARENT_BAR: Final = 0.977
BARS: Final = {
    "next_turn": (0.995, 0.995),
    "tool_step": (0.995, 0.995),
    "automatic_retry": (0.987, 0.995),
    "regeneration": (0.991, 0.921),
    "duplicate": (0.958, 0.995),
    "new_conversation": (0.978, 0.998),
    "edit_reformulation": (0.886, 0.721),
    "edit_other": (0.673, 0.538),
    "assistant_edit": (0.952, 0.995),
    "stop": (0.95, 0.95),
}
"""Precision and recall that each event must reach, to half a point of rounding."""


def main() -> int:
    """Score and print; 1 where a bar is missed."""
    arguments = _arguments()
    if not arguments.file.is_file():
        sys.stdout.write(f"no recorded traffic at {arguments.file}: skipped\n")
        return 0
    records, truths = read(arguments.file)
    facts, cpu_s = _understood(in_order(records), arguments.through)
    found = score(records, truths, facts)
    sys.stdout.write(table(found))
    sys.stdout.write(f"\n{cpu_s / len(records) * 1e6:.0f} us CPU a call ({arguments.through}, without Redis itself)\n")
    if arguments.wrong:
        sys.stdout.writelines(f"{name} {true} -> {decided}\n" for name, (true, decided) in found.wrong.items())
    missed = shortfalls(found)
    sys.stdout.writelines(f"below the bar: {line}\n" for line in missed)
    return 1 if missed else 0


def _understood(every: list[Opened | Closed], through: str) -> tuple[list[Fact], float]:
    """The facts, and the CPU seconds they took: of the desk alone, or of a whole worker with its ledger."""
    if through == "worker":
        with tempfile.TemporaryDirectory(prefix="backtalk-traffic-") as directory:
            return through_worker(every, Path(directory) / "data", _redis_url())
    settings, marks = Settings(), list[float]()
    detectors = load_detectors(settings.detect.detectors, {})
    desk = Desk(_store(through), detectors, secret=SECRET, settings=settings, metrics=NoMeter())
    facts = list(through_desk(every, desk, lambda: marks.append(time.process_time())))
    return facts, sum(after - before for before, after in zip(marks[::2], marks[1::2], strict=True))


def table(found: Score) -> str:
    """The score as a table."""
    lines = [f"{'':24}{'P':>8}{'R':>8}{'F1':>8}{'n':>7}"]
    rows = [("sessions (B-cubed)", found.sessions), *found.events.items()]
    rows += [(f"  {tenant}", rates) for tenant, rates in found.by_tenant.items()]
    lines += [f"{name:24}{r.precision:8.3f}{r.recall:8.3f}{r.f1:8.3f}{r.cases:7d}" for name, r in rows]
    return "\n".join([*lines, f"{'parent accuracy':24}{found.parent_accuracy:8.3f}"])


def shortfalls(found: Score) -> list[str]:
    """Every figure below its bar."""
    rows = [("sessions F1", found.sessions.f1, SESSION_F1_BAR), ("parent accuracy", found.parent_accuracy, PARENT_BAR)]
    for event, (precision, recall) in BARS.items():
        rows += [(f"{event} precision", found.events[event].precision, precision)]
        rows += [(f"{event} recall", found.events[event].recall, recall)]
    return [f"{name} {value:.3f} < {bar:.3f}" for name, value, bar in rows if round(value, 3) < bar]


def _store(through: str) -> SessionStore:
    if through == "memory":
        return MemorySessionStore()
    return RedisSessionStore(_redis_url(), secret=SECRET, metrics=NoMeter(), timeout_ms=PATIENT_MS)


def _redis_url() -> str:
    url = load().redis_url
    if url is None:
        raise SystemExit("set REDIS_URL to a server that may be written to")
    return url.get_secret_value()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DATA)
    parser.add_argument("--through", choices=("memory", "redis", "worker"), default="memory")
    parser.add_argument("--wrong", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
