"""What a step says: line by line to whoever looks on, and into a file of the run, which stays bounded.

In: lines. Out: the same, twice. The one rule: a line is one line, whatever a trainer prints.
"""

import contextlib
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from backtalk import clock
from backtalk.pipeline.work import Say

MAX_BYTES: Final = 4 << 20
"""Of a step's file; what comes behind it is shown and not kept."""
MAX_CHARS: Final = 1_000


@contextlib.contextmanager
def step_log(path: Path, say: Say) -> Generator[Say]:
    """A function that takes lines for as long as the block lasts; an earlier attempt's lines stay before."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", buffering=1) as kept:
        size = path.stat().st_size

        def told(line: str) -> None:
            nonlocal size
            clean = "".join(char if char.isprintable() else " " for char in line[:MAX_CHARS])
            say(clean)
            at = datetime.fromtimestamp(clock.now().wall_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
            written = f"{at} {clean}\n"
            if size + len(written.encode()) <= MAX_BYTES:
                kept.write(written)
            size += len(written.encode())

        yield told
