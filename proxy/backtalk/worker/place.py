"""What a restart must know of the journal's end: the links of calls that are still open, and those that may not hold.

In: the journal from a remembered position on. Out: where each open call was announced, and how it was linked; and the
ended calls whose parent is still to be looked up again. The position is the earliest announcement of such a call; it is
remembered now and then, and an older one only costs reading more.
"""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from backtalk.detect.late_parents import awaits
from backtalk.errors import SetupError
from backtalk.model.facts import CallClosed, CallOpened, Fact, JournalEntry, SessionLinked, decode_entry
from backtalk.model.ids import SpanId
from backtalk.spool import Journal, Record, Tail


class Announced(NamedTuple):
    """Where the entry with a call's announcement begins, and the call's last link."""

    offset: int
    linked: SessionLinked | None = None


class Missed(NamedTuple):
    """An ended call whose link may not hold, and where the entry with that link begins."""

    offset: int
    linked: SessionLinked
    opened: CallOpened | None = None


class Known:
    """What the journal says, from an offset on."""

    def __init__(self, open_spans: Collection[str]) -> None:
        self._open_spans = open_spans
        self.announced: dict[SpanId, Announced] = {}
        """By span, the calls that are open."""
        self.missed: dict[SpanId, Missed] = {}
        """By span, the calls that ended and wait for a second look."""

    def take(self, offset: int, fact: Fact) -> None:
        """Hear the next fact, of the entry at `offset`."""
        if isinstance(fact, CallOpened):
            if fact.span_id in self._open_spans:
                self.announced[fact.span_id] = Announced(offset)
        elif isinstance(fact, SessionLinked):
            self._linked(offset, fact)
        elif isinstance(fact, CallClosed) and (missed := self.missed.get(fact.opened.span_id)):
            self.missed[fact.opened.span_id] = missed._replace(opened=fact.opened)

    def _linked(self, offset: int, fact: SessionLinked) -> None:
        if fact.span_id in self.announced:
            self.announced[fact.span_id] = self.announced[fact.span_id]._replace(linked=fact)
        elif fact.span_id in self._open_spans:
            return
        elif awaits(fact):
            self.missed[fact.span_id] = Missed(offset, fact)
        else:
            self.missed.pop(fact.span_id, None)


class Places:
    """Where the journal must be read from to know the calls of this process again."""

    def __init__(self, awaits_parent: Callable[[SpanId], bool]) -> None:
        self._awaits_parent = awaits_parent
        self._announced: dict[SpanId, int] = {}
        self._missed: dict[SpanId, int] = {}

    def restore(self, known: Known) -> None:
        """Go on after a restart."""
        announced = sorted(known.announced.items(), key=lambda item: item[1].offset)
        self._announced = {span_id: seen.offset for span_id, seen in announced}
        self._missed = {span_id: missed.offset for span_id, missed in known.missed.items()}

    def note(self, facts: Iterable[Fact], begin: int) -> None:
        """Remember the entry at `begin`, where these facts are."""
        for fact in facts:
            if isinstance(fact, CallOpened):
                self._announced[fact.span_id] = begin
            elif isinstance(fact, CallClosed):
                span_id = fact.opened.span_id
                announced = self._announced.pop(span_id, begin)
                if self._awaits_parent(span_id):
                    self._missed[span_id] = announced

    def first(self, end: int) -> int:
        """The earliest entry that is needed; `end` where none is."""
        self._missed = {span_id: at for span_id, at in self._missed.items() if self._awaits_parent(span_id)}
        return min([next(iter(self._announced.values()), end), *self._missed.values()])


def read(journal: Path, offset: int, open_spans: Collection[str]) -> Known:
    """What the journal says, from `offset` on, of the calls that are open or wait for their parent."""
    known = Known(open_spans)
    with Tail(journal, offset) as tail:
        while records := tail.read():
            for record in records:
                for fact in _entry(record).facts:
                    known.take(record.offset, fact)
    return known


def consumed(journal: Journal) -> dict[str, int]:
    """How far each spool had been consumed when the last entry was written."""
    last = journal.last()
    return dict(_entry(last).consumed) if last else {}


def _entry(record: Record) -> JournalEntry:
    """The entry; raises `SetupError` where this version cannot read it: what it says must not be decided again."""
    try:
        return decode_entry(record.payload)
    except msgspec.MsgspecError as error:
        message = (
            f"the journal's entry at {record.offset} cannot be read by this version of Backtalk ({error}); "
            "go on with the version that wrote it, or a later one"
        )
        raise SetupError(message, code="journal_unreadable") from error
