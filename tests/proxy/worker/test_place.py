"""A restart finds in the journal's end what it must know of open calls."""

from pathlib import Path

from backtalk.model.facts import CallOpened, JournalEntry, SessionLinked, encode_entry
from backtalk.model.frames import Opened
from backtalk.observe import facts_of
from backtalk.settings import JournalSettings
from backtalk.spool import Journal
from backtalk.telemetry import Metrics
from backtalk.testing.frames import opened, span_of
from backtalk.worker import place


def _call(number: int) -> CallOpened:
    frame = opened(number, 10, [])[0]
    assert isinstance(frame, Opened)
    return facts_of.opened(frame, late=False)


def _link(call: CallOpened, session_id: str) -> SessionLinked:
    return SessionLinked(call.trace_id, call.span_id, session_id, "new", 1.0, 1)


def test_the_last_link_of_each_open_call_is_found(tmp_path: Path) -> None:
    """Where it was announced, whether it was linked, and nothing of calls that are not asked for."""
    first, second, third = (_call(number) for number in (1, 2, 3))
    journal = Journal.open(tmp_path, JournalSettings(), metrics=Metrics("worker"))
    journal.append(encode_entry(JournalEntry((first, _link(first, "old")))))
    begin = journal.append(encode_entry(JournalEntry((_link(first, "new"),))))
    journal.append(encode_entry(JournalEntry((second, third, _link(third, "s")))))
    journal.close()
    found = place.read(tmp_path, 0, {span_of(1), span_of(2), span_of(9)})
    assert found == {
        span_of(1): place.Announced(0, _link(first, "new")),
        span_of(2): place.Announced(begin, None),
    }
    assert place.read(tmp_path, begin, {span_of(1)}) == {}
