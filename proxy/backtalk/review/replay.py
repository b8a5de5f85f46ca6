"""Runs detectors over a past range of the ledger, in a store of their own: no Redis is touched, nothing is changed.

In: calls, detectors, the installation's secret. Out: signals as JSON lines in the order of time, and the difference to
what the ledger holds of the same range. The same tables and detectors give the same bytes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from backtalk.detect.calibration import Calibration
from backtalk.detect.desk import Desk
from backtalk.model.facts import CallClosed, CallOpened, Fact, SignalFound
from backtalk.model.meter import NoMeter
from backtalk.plugin.protocols import Detector
from backtalk.session.memory_store import MemorySessionStore
from backtalk.settings import Settings
from backtalk.text.pair_model import Embed

_Name = tuple[str, str, str, str]
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class Difference(NamedTuple):
    """Signals of one detector and kind: in both, only in the new run, only in the ledger."""

    detector: str
    kind: str
    same: int
    added: int
    gone: int


def replay(
    calls: Iterable[CallClosed],
    detectors: Sequence[Detector],
    secret: bytes,
    settings: Settings,
    embed: Embed | None = None,
    calibration: Calibration | None = None,
) -> list[SignalFound]:
    """What the detectors notice in these calls, in the order of time and id."""
    desk = Desk(
        MemorySessionStore(),
        detectors,
        secret=secret,
        settings=settings,
        metrics=NoMeter(),
        embed=embed,
        calibration=calibration,
    )
    facts = [fact for fact in _through(desk, calls) if isinstance(fact, SignalFound)]
    return sorted(facts, key=lambda fact: (fact.found_ns, fact.signal_id))


def lines(signals: Iterable[SignalFound]) -> bytes:
    """The signals as JSON lines."""
    return b"".join(_encode(signal) + b"\n" for signal in signals)


def difference(signals: Iterable[SignalFound], rows: Iterable[Mapping[str, Any]]) -> list[Difference]:
    """Compare with rows of the ledger's signals; one is the same where detector, kind and both calls are."""
    new: set[_Name] = {(s.detector, s.kind, s.about.span_id, s.shown_by.span_id) for s in signals}
    old: set[_Name] = {
        (r["detector"], r["kind"], r["span_id"], r["shown_by_span_id"]) for r in rows if r["fact"] == "signal"
    }
    same, added, gone = (Counter((key[0], key[1]) for key in part) for part in (new & old, new - old, old - new))
    names: list[tuple[str, str]] = sorted({*same, *added, *gone})
    return [Difference(*name, same[name], added[name], gone[name]) for name in names]


def _through(desk: Desk, calls: Iterable[CallClosed]) -> Iterator[Fact]:
    """The calls' two facts each, merged by time."""
    events: list[tuple[int, int, str, CallOpened | CallClosed]] = []
    for call in calls:
        events.append((call.opened.opened_ns, 1, call.opened.span_id, call.opened))
        events.append((call.closed_ns, 0, call.opened.span_id, call))
    for at_ns, _, _, fact in sorted(events, key=lambda event: event[:3]):
        yield from desk.advance(at_ns)
        yield from desk.opened(fact) if isinstance(fact, CallOpened) else desk.closed(fact)[1]
    yield from desk.advance(1 << 62)
