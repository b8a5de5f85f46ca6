"""A restart finds in the journal's end what it must know of open calls."""

from pathlib import Path

import msgspec
import pytest

from backtalk.errors import SetupError
from backtalk.model.facts import CallOpened, JournalEntry, SessionLinked, encode_entry
from backtalk.model.frames import Opened
from backtalk.observe import facts_of
from backtalk.settings import JournalSettings
from backtalk.spool import Journal
from backtalk.telemetry import Metrics
from backtalk.testing import stories
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
    assert found.announced == {
        span_of(1): place.Announced(0, _link(first, "new")),
        span_of(2): place.Announced(begin, None),
    }
    assert place.read(tmp_path, begin, {span_of(1)}).announced == {}


def test_an_ended_call_whose_link_may_not_hold_is_found(tmp_path: Path) -> None:
    """With the request that its end holds; once a link supersedes, it is none any more."""
    first, second = (_call(number) for number in (1, 2))
    journal = Journal.open(tmp_path, JournalSettings(), metrics=Metrics("worker"))
    awaiting = [
        msgspec.structs.replace(_link(call, "own"), evidence={"awaits_parent": True}) for call in (first, second)
    ]
    ends = [stories.closed(call=call) for call in (first, second)]
    journal.append(encode_entry(JournalEntry((awaiting[0], ends[0], awaiting[1], ends[1]))))
    journal.append(encode_entry(JournalEntry((msgspec.structs.replace(awaiting[1], supersedes=True),))))
    journal.close()

    assert place.read(tmp_path, 0, ()).missed == {span_of(1): place.Missed(0, awaiting[0], first)}


def test_the_journal_is_kept_for_what_waits_for_its_parent() -> None:
    """From the announcement of an open call, and of an ended one until it was looked at again."""
    waiting = {span_of(1)}
    places = place.Places(waiting.__contains__)
    places.note([_call(1)], 10)
    places.note([stories.closed(call=_call(1)), _call(2)], 20)
    assert places.first(99) == 10
    waiting.clear()
    assert places.first(99) == 20
    places.note([stories.closed(call=_call(2))], 30)
    assert places.first(99) == 99


def test_an_entry_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """What it says must not be decided again by a version that cannot read it; the sentence says which would."""
    journal = Journal.open(tmp_path, JournalSettings(), metrics=Metrics("worker"))
    journal.append(msgspec.msgpack.encode({"facts": [{"type": "dream_remembered"}]}))
    for ask in (lambda: place.consumed(journal), lambda: place.read(tmp_path, 0, ())):
        with pytest.raises(SetupError, match="version that wrote it, or a later one") as refused:
            ask()
        assert refused.value.code == "journal_unreadable"
    journal.close()
