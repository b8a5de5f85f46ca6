"""Datasets of a big ledger: seconds, rows and memory of building them, and of what is asked of them afterwards.

    SIZE=10000000 python tests/bench/datasets.py [--data-dir build/big] [--recipes dpo sft kto eval]

The ledger is made by `big_ledger.py`, unless the folder has one. Every step is the command that a person gives, a
process of its own: seconds on the clock, seconds of CPU, and the most memory it held. The machine should have nothing
else to do; where it has, CPU says more than the clock.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

_RECIPES: Final = ("dpo", "sft", "kto", "eval")
_CALLS: Final = 200_000
_MB: Final = 1e6
_HERE: Final = Path(__file__).parent


class Cost(NamedTuple):
    """What a step took."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    printed: str


def main() -> None:
    """Run all steps, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=int(os.environ.get("SIZE") or _CALLS))  # noqa: TID251 -- a bench
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--recipes", nargs="*", default=_RECIPES)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bt-datasets-") as aside:
        data_dir: Path = asked.data_dir or Path(aside)
        if not (data_dir / "ledger").exists():
            made = run(str(_HERE / "big_ledger.py"), str(data_dir / "ledger"), "--calls", str(asked.calls),
                       "--days", str(asked.days))  # fmt: skip
            _say("ledger", made, f"{asked.calls / made.wall_s:,.0f} calls/s, {_size(data_dir / 'ledger')}")
        built = [_build(data_dir, Path(aside), recipe, asked.calls) for recipe in asked.recipes]
        _ask(data_dir, built)


def _build(data_dir: Path, aside: Path, recipe: str, calls: int) -> Path:
    out = aside / recipe
    cost = backtalk("dataset", "build", recipe, "--out", str(out), data_dir=data_dir)
    rows = int(cost.printed.split(" ", 1)[0])
    _say(f"build {recipe}", cost, f"{calls / cost.wall_s:,.0f} calls/s, {rows:,} rows, {_size(out)}")
    return out


def _ask(data_dir: Path, built: list[Path]) -> None:
    first, last = built[0], built[-1]
    again = first.with_name(f"{first.name}-again")
    backtalk("dataset", "build", first.name, "--out", str(again), data_dir=data_dir)
    same = (first / "manifest.json").read_bytes() == (again / "manifest.json").read_bytes()
    sys.stdout.write(f"built again: {'the same bytes' if same else 'OTHER BYTES'}\n")
    _say("dataset verify", backtalk("dataset", "verify", str(first)))
    _say("lineage verify", backtalk("lineage", "verify", data_dir=data_dir))
    _say("dataset diff", backtalk("dataset", "diff", first.name, last.name, "--json", data_dir=data_dir))
    why = backtalk("run", "why", first.name, "12", "--json", data_dir=data_dir)
    _say("run why", why)
    trace_id = json.loads(why.printed)["calls"][0]["trace_id"]
    _say("run reached", backtalk("run", "reached", trace_id, "--json", data_dir=data_dir))
    _say("conversion", backtalk("conversion", "--since", "2026-01-01", "--json", data_dir=data_dir))


def backtalk(*arguments: str, data_dir: Path | None = None) -> Cost:
    """Give a command."""
    where = () if data_dir is None else ("--data-dir", str(data_dir))
    return run("-m", "backtalk", *arguments, *where)


def run(*arguments: str) -> Cost:
    """Run a Python program to its end; raises where it fails."""
    began_s = time.monotonic()
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed: {printed[-2_000:]}")
    peak_bytes = usage.ru_maxrss * 1024
    return Cost(time.monotonic() - began_s, usage.ru_utime + usage.ru_stime, peak_bytes, printed)


def _say(name: str, cost: Cost, more: str = "") -> None:
    sys.stdout.write(
        f"{name:<16} {cost.wall_s:7.1f} s  {cost.cpu_s:7.1f} s CPU  {cost.peak_bytes / _MB:7,.0f} MB  {more}\n"
    )
    sys.stdout.flush()


def _size(folder: Path) -> str:
    return f"{sum(file.stat().st_size for file in folder.rglob('*') if file.is_file()) / _MB:,.0f} MB on disk"


if __name__ == "__main__":
    main()
