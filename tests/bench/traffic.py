"""Recorded traffic against its truth: run `python tests/bench/traffic.py [FILE]`; exits 1 where it is below a bar.

Without FILE it takes ../shared/signals/dev/traffic.jsonl beside the project; where that is absent it says so, exit 0.
`--store redis` with REDIS_URL set uses that server, else everything is kept in memory. `--wrong` lists what was missed.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Final

from backtalk.detect.desk import Desk
from backtalk.model.meter import NoMeter
from backtalk.plugin.discovery import load_detectors
from backtalk.session.memory_store import MemorySessionStore
from backtalk.session.redis_store import RedisSessionStore
from backtalk.session.store import SessionStore
from backtalk.settings import Settings, load
from backtalk.testing.traffic.drive import in_order, through_desk
from backtalk.testing.traffic.records import read
from backtalk.testing.traffic.score import Score, score

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
    desk = Desk(
        _store(arguments.store),
        load_detectors(Settings().detect.detectors, {}),
        secret=SECRET,
        settings=Settings(),
        metrics=NoMeter(),
    )
    every, marks = in_order(records), list[float]()
    facts = list(through_desk(every, desk, lambda: marks.append(time.process_time())))
    cpu_s = sum(after - before for before, after in zip(marks[::2], marks[1::2], strict=True))
    found = score(records, truths, facts)
    sys.stdout.write(table(found))
    sys.stdout.write(f"\ndesk: {cpu_s / len(records) * 1e6:.0f} us CPU a call in this process ({arguments.store})\n")
    if arguments.wrong:
        sys.stdout.writelines(f"{name} {true} -> {decided}\n" for name, (true, decided) in found.wrong.items())
    missed = shortfalls(found)
    sys.stdout.writelines(f"below the bar: {line}\n" for line in missed)
    return 1 if missed else 0


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


def _store(kind: str) -> SessionStore:
    if kind == "memory":
        return MemorySessionStore()
    url = load(overrides={}).redis_url
    if url is None:
        raise SystemExit("--store redis needs REDIS_URL")
    return RedisSessionStore(url.get_secret_value(), secret=SECRET, metrics=NoMeter())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DATA)
    parser.add_argument("--store", choices=("memory", "redis"), default="memory")
    parser.add_argument("--wrong", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
