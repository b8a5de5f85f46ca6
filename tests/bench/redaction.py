"""What redaction costs: CPU a kB of texts that hold nothing, something, and what was made to be slow.

    python tests/bench/redaction.py

The one rule: CPU time of this process, the least of several tries, so that a busy machine is no finding.
"""

import sys
import time
from collections.abc import Callable
from typing import Final

from backtalk.model.meter import NoMeter
from backtalk.redact.finding import Patterns
from backtalk.redact.patterns import BUILT_IN
from backtalk.redact.texts import Texts

_CLEAN: Final = "Here is how the ledger commits its rows, with 3 files and 2.5 MB each; see section 4.2 (2026). " * 11
_FOUND: Final = f"{_CLEAN[:960]} Write to alice@example.com or +49 171 1234567."
TEXTS: Final = {
    "nothing in it": _CLEAN,
    "nothing in it, 100 kB": _CLEAN * 96,
    "nothing in it, other scripts": _CLEAN.replace("ledger", "台帳"),
    "an address and a number": _FOUND,
    "digits in fours": "4111 1112 " * 1_000,
    "nearly addresses": "a@" * 5_000,
    "nearly an IBAN": "DE12 " + "ABCD " * 2_000,
    "colons": ":" * 10_000,
}


def cpu_us(work: Callable[[], object]) -> float:
    """The least CPU time of one run, over five tries of at least ten milliseconds."""
    found: list[float] = []
    for _ in range(5):
        began_ns, runs = time.process_time_ns(), 0
        while time.process_time_ns() - began_ns < 10_000_000:
            work()
            runs += 1
        found.append((time.process_time_ns() - began_ns) / runs / 1000)
    return min(found)


def main() -> None:
    """Print a line for each text."""
    texts = Texts([Patterns(list(BUILT_IN.values()))], b"s" * 32, NoMeter())
    for name, text in TEXTS.items():
        each = cpu_us(lambda text=text: texts.text("tenant", text))  # type: ignore[misc]
        sys.stdout.write(f"{name:30} {each / (len(text.encode()) / 1000):8.1f} us/kB\n")


if __name__ == "__main__":
    main()
