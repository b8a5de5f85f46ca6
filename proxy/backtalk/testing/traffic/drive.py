"""Feeds recorded traffic through the desk in the order of its times, as the worker does."""

from collections.abc import Callable, Iterable, Iterator

from backtalk.detect.desk import Desk
from backtalk.model.facts import CallOpened, Fact
from backtalk.model.frames import Closed, Opened
from backtalk.testing.traffic.records import Record, closed_fact, frames, opened_fact


def in_order(records: Iterable[Record]) -> list[Opened | Closed]:
    """All frames, merged by boot time."""
    every: list[Opened | Closed] = [frame for record in records for frame in frames(record)]
    return sorted(every, key=lambda frame: (frame.boot_ns, isinstance(frame, Opened), frame.span_id))


def through_desk(
    every: Iterable[Opened | Closed], desk: Desk, watch: Callable[[], None] = lambda: None
) -> Iterator[Fact]:
    """What the desk adds; `watch` is called around each piece of its work, before and after."""
    open_facts: dict[str, CallOpened] = {}
    for frame in every:
        if isinstance(frame, Opened):
            opened_facts = opened_fact(frame)
            open_facts[frame.span_id] = opened_facts
            watch()
            found = [*desk.advance(frame.boot_ns), *desk.opened(opened_facts)]
        else:
            closed = closed_fact(frame, open_facts.pop(frame.span_id))
            watch()
            found = [*desk.advance(frame.boot_ns), *desk.closed(closed)[1]]
        watch()
        yield from found
    yield from desk.advance(1 << 62)
    desk.flush()
