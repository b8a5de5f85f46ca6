"""Reading traces across the seam between journal and ledger."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.model.chat import Message, Request
from backtalk.model.facts import Fact, JournalEntry, encode_entry
from backtalk.model.meter import NoMeter
from backtalk.settings import JournalSettings
from backtalk.spool.cursor import Cursor
from backtalk.spool.journal import Journal
from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.web.traces import Traces

ROWS = Rows(b"secret")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal under the data directory."""
    made = Journal.open(tmp_path / "journal", JournalSettings(), metrics=Metrics())
    yield made
    made.close()


def append(journal: Journal, *facts: Fact) -> tuple[int, JournalEntry]:
    """Decide facts."""
    entry = JournalEntry(facts)
    return journal.append(encode_entry(entry)), entry


def commit(tmp_path: Path, journal: Journal, *batch: tuple[int, JournalEntry]) -> None:
    """Carry entries into the ledger, as its writer does."""
    mark = Cursor(tmp_path / "cursors" / "ledger", stream=journal.id)
    ledger = Ledger(tmp_path / "ledger", journal.id, rows=ROWS, mark=mark)
    ledger.commit(batch)
    ledger.close()


def test_call_is_readable_before_any_commit(tmp_path: Path, journal: Journal) -> None:
    """What is only in the journal is shown, and marked as not committed."""
    call = stories.closed()
    append(journal, call.opened, call)

    document = Traces(tmp_path, ROWS, NoMeter()).trace(call.key.trace_id)

    assert document is not None
    assert [(one["span_id"], one["committed"]) for one in document["calls"]] == [(call.key.span_id, False)]


def test_late_feedback_joins_a_committed_call(tmp_path: Path, journal: Journal) -> None:
    """A thumb that comes after the commit stands at the call, each part saying where it is."""
    call = stories.closed()
    commit(tmp_path, journal, append(journal, call.opened, call, stories.linked(call.opened)))
    append(journal, stories.feedback(target_response_id="chatcmpl-1"))

    document = Traces(tmp_path, ROWS, NoMeter()).trace(call.key.trace_id)

    assert document is not None
    shown = document["calls"][0]
    assert shown["committed"]
    assert [one["committed"] for one in shown["feedback"]] == [False]
    assert shown["session"]["rule"] == "new"
    assert shown["request"]["messages"][0]["text"] == "Why is the sky blue?"


@pytest.mark.parametrize("committed", [False, True])
def test_feedback_finds_a_session_by_the_name_that_the_app_gave_it(
    tmp_path: Path, journal: Journal, committed: bool
) -> None:
    """An app knows the name that it sent, not the id that the session has here; other tenants' names are theirs."""
    request = Request(model="small", messages=(Message("user", "hello"),), declared_session="chat-7")
    call = stories.closed(call=stories.opened(request=request))
    given = stories.feedback(target_session_id="chat-7")
    strange = stories.feedback(target_session_id="chat-7", tenant="stranger")
    batch = append(journal, call, given, strange)
    if committed:
        commit(tmp_path, journal, batch)

    document = Traces(tmp_path, ROWS, NoMeter()).trace(call.key.trace_id)

    assert document is not None
    assert [one["feedback_id"] for one in document["session_feedback"]] == [given.feedback_id]
    assert document["calls"][0]["feedback"] == []


def test_everything_is_shown_once_while_it_is_in_both(tmp_path: Path, journal: Journal) -> None:
    """Between commit and eviction a fact is in journal and ledger; the document has it once."""
    first, second = stories.closed(), stories.closed()
    found = stories.signal(first.key, second.key)
    traces = Traces(tmp_path, ROWS, NoMeter())
    batch = append(journal, first, second, found, stories.feedback(target_trace_id=first.key.trace_id))
    traces.refresh()
    ledger = Ledger(tmp_path / "ledger", journal.id, rows=ROWS)
    ledger.commit([batch])
    ledger.close()

    document = traces.trace(first.key.trace_id)

    assert document is not None
    assert [len(document["calls"][0][part]) for part in ("signals", "feedback")] == [1, 1]


def test_list_is_newest_first_across_the_seam(tmp_path: Path, journal: Journal) -> None:
    """Committed and fresh calls stand in one order."""
    early = stories.closed(call=stories.opened(opened_ns=stories.NOON_NS))
    late = stories.closed(call=stories.opened(opened_ns=stories.NOON_NS + 5))
    commit(tmp_path, journal, append(journal, early))
    append(journal, late)

    listed = Traces(tmp_path, ROWS, NoMeter()).recent(limit=10)["calls"]

    assert [call["span_id"] for call in listed] == [late.key.span_id, early.key.span_id]


def test_list_by_signal_finds_only_calls_with_it(tmp_path: Path, journal: Journal) -> None:
    """Asking for regenerations gives the answers that were regenerated."""
    first, second = stories.closed(), stories.closed()
    append(journal, first, second, stories.signal(first.key, second.key))

    listed = Traces(tmp_path, ROWS, NoMeter()).recent(limit=10, signal="regeneration")["calls"]

    assert [call["span_id"] for call in listed] == [first.key.span_id]


def test_texts_of_feedback_are_cut_in_a_list(tmp_path: Path, journal: Journal) -> None:
    """A list of calls stays small whatever was said of them; the trace itself has every word."""
    call, long = stories.closed(), "x" * 100_000
    about = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
    words = stories.feedback(comment=long, **about)
    message = {"role": "assistant", "content": long}
    better = stories.feedback(kind="correction", value_json=json.dumps(message), comment=None, **about)
    append(journal, call.opened, call, words, better)
    traces = Traces(tmp_path, ROWS, NoMeter())
    (listed,) = traces.recent(limit=10)["calls"]
    assert len(json.dumps(listed["feedback"])) < 2_000
    assert {len(one.get("comment") or one["value"]) for one in listed["feedback"]} == {200}
    whole = traces.trace(call.key.trace_id)
    assert whole is not None
    assert len(json.dumps(whole["calls"][0]["feedback"])) > 200_000


def test_unknown_trace_is_none(tmp_path: Path, journal: Journal) -> None:
    """Nothing known is not an empty document."""
    append(journal, stories.closed())

    assert Traces(tmp_path, ROWS, NoMeter()).trace("0" * 31 + "1") is None
