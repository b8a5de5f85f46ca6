"""What a replay writes: pure, and only what differs from what counts already, so that a second one writes nothing.

In: the signals that a replay found and the rows that count of the same range and detectors. Out: signals that bear the
replay's number, and withdrawals of what it did not find again. `ledger.counting` says how they are read.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from backtalk.ledger.counting import replay_of
from backtalk.ledger.rows import signal_row
from backtalk.model.facts import SignalFound
from backtalk.review.past import signal_of

Row = Mapping[str, Any]
_SAID = ("probability", "evidence_json", "polarity", "provenance", "detector_version", "session_id")


def next_number(rows: Iterable[Row]) -> int:
    """The number of the next replay, given all rows that were ever written."""
    return 1 + max((replay_of(row) for row in rows), default=0)


def superseding(
    found: Sequence[SignalFound], counting: Iterable[Row], versions: Mapping[str, str], number: int
) -> list[SignalFound]:
    """What to write, in the order of time and id; `versions` are those of the detectors that ran, by name."""
    known = {row["signal_id"]: row for row in counting if row["fact"] == "signal"}
    again = {signal.signal_id for signal in found}
    new = [signal for signal in found if not _is_said(signal, known.get(signal.signal_id))]
    gone = [_withdrawn(row, versions[row["detector"]]) for name, row in known.items() if name not in again]
    numbered = [msgspec.structs.replace(signal, replay=number) for signal in (*new, *gone)]
    return sorted(numbered, key=lambda signal: (signal.found_ns, signal.signal_id))


def _is_said(signal: SignalFound, row: Row | None) -> bool:
    if row is None:
        return False
    columns = signal_row(signal)
    return all(columns[name] == row[name] for name in _SAID)


def _withdrawn(row: Row, version: str) -> SignalFound:
    return msgspec.structs.replace(
        signal_of(row),
        probability=0.0,
        detector_version=version,
        evidence={"withdrawn_version": row["detector_version"]},
        withdrawn=True,
    )
