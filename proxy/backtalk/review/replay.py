"""Runs detectors over a past range of the ledger, in a store of their own: no Redis is touched, no model is asked.

In: calls, detectors, the installation's secret. Out: signals as JSON lines in the order of time, and the difference to
what counts in the ledger of the same range. The same tables and detectors give the same bytes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from backtalk.detect.calibration import Calibration
from backtalk.detect.desk import Desk
from backtalk.model.facts import CallClosed, CallOpened, Fact, SessionLinked, SignalFound
from backtalk.model.meter import NoMeter
from backtalk.plugin.protocols import Detector
from backtalk.session.memory_store import MemorySessionStore
from backtalk.settings import Settings
from backtalk.text.pair_model import Embed

_Name = tuple[str, str, str, str]
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class Difference(NamedTuple):
    """Signals of a detector and kind: as before, with another probability, only in the new run, only in the ledger."""

    detector: str
    kind: str
    same: int
    changed: int
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
    return signals_in(decided(calls, detectors, secret, settings, embed, calibration))


def decided(
    calls: Iterable[CallClosed],
    detectors: Sequence[Detector],
    secret: bytes,
    settings: Settings,
    embed: Embed | None = None,
    calibration: Calibration | None = None,
) -> list[Fact]:
    """Every fact that the desk makes of these calls, in a store of its own."""
    desk = Desk(
        MemorySessionStore(),
        detectors,
        secret=secret,
        settings=settings,
        metrics=NoMeter(),
        embed=embed,
        calibration=calibration,
    )
    return list(_through(desk, calls))


def signals_in(facts: Iterable[Fact]) -> list[SignalFound]:
    """The signals among facts, in the order of time and id."""
    found = [fact for fact in facts if isinstance(fact, SignalFound)]
    return sorted(found, key=lambda fact: (fact.found_ns, fact.signal_id))


def lines(facts: Iterable[SignalFound | SessionLinked]) -> bytes:
    """The facts as JSON lines."""
    return b"".join(_encode(fact) + b"\n" for fact in facts)


def difference(signals: Iterable[SignalFound], rows: Iterable[Mapping[str, Any]]) -> list[Difference]:
    """Compare with rows of the ledger's signals; one is the same where detector, kind and both calls are."""
    new: dict[_Name, float] = {
        (s.detector, s.kind, s.about.span_id, s.shown_by.span_id): s.probability for s in signals
    }
    old: dict[_Name, float] = {
        (r["detector"], r["kind"], r["span_id"], r["shown_by_span_id"]): r["probability"]
        for r in rows
        if r["fact"] == "signal"
    }
    both = new.keys() & old.keys()
    changed = {name for name in both if new[name] != old[name]}
    parts = (both - changed, changed, new.keys() - old.keys(), old.keys() - new.keys())
    counts = [Counter((name[0], name[1]) for name in part) for part in parts]
    names: list[tuple[str, str]] = sorted({name for count in counts for name in count})
    return [Difference(*name, *(count[name] for count in counts)) for name in names]


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
