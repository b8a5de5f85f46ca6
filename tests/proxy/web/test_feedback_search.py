"""Finding feedback across the seam between journal and ledger, within a tenant."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.model.facts import Fact, FeedbackGiven, JournalEntry, encode_entry
from backtalk.model.feedback import TextSpan
from backtalk.model.meter import NoMeter
from backtalk.settings import JournalSettings
from backtalk.spool.cursor import Cursor
from backtalk.spool.journal import Journal
from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.web.feedback_search import Asked
from backtalk.web.traces import Traces

ROWS = Rows(b"secret")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal under the data directory."""
    made = Journal.open(tmp_path / "journal", JournalSettings(), metrics=Metrics())
    yield made
    made.close()


def write(tmp_path: Path, journal: Journal, *facts: Fact, committed: bool) -> None:
    """Decide facts, and carry them into the ledger or not yet."""
    entry = JournalEntry(facts)
    batch = [(journal.append(encode_entry(entry)), entry)]
    if committed:
        mark = Cursor(tmp_path / "cursors" / "ledger", stream=journal.id)
        ledger = Ledger(tmp_path / "ledger", journal.id, rows=ROWS, mark=mark)
        ledger.commit(batch)
        ledger.close()


def found(
    tmp_path: Path, column: str, value: str, *, tenant: str | None = None, limit: int = 9
) -> list[dict[str, Any]]:
    """What is found by one key."""
    return Traces(tmp_path, ROWS, NoMeter()).feedback(Asked(column, value, tenant, limit))


@pytest.mark.parametrize("committed", [True, False])
def test_feedback_is_found_by_each_key_wherever_it_lies(tmp_path: Path, journal: Journal, committed: bool) -> None:
    """By its id, by the trace of its answer, and by the response's id that it named."""
    call = stories.closed()
    said: FeedbackGiven = stories.feedback(target_response_id="chatcmpl-1")
    write(tmp_path, journal, call.opened, call, said, committed=committed)
    for column, value in (
        ("feedback_id", said.feedback_id),
        ("trace_id", call.key.trace_id),
        ("response_id", "chatcmpl-1"),
    ):
        (one,) = found(tmp_path, column, value)
        assert (one["feedback_id"], one["status"], one["committed"]) == (said.feedback_id, "counts", committed)
        assert one["target"] == call.key._asdict()


def test_a_retraction_in_the_journal_is_seen_on_feedback_in_the_ledger(tmp_path: Path, journal: Journal) -> None:
    """The status is that of now; the history says what came."""
    said = stories.feedback(target_trace_id="7" * 32)
    write(tmp_path, journal, said, committed=True)
    assert found(tmp_path, "feedback_id", said.feedback_id)[0]["status"] == "pending"
    taken_back = stories.feedback(kind="retraction", value_json="null", supersedes=said.feedback_id)
    write(tmp_path, journal, taken_back, committed=False)
    (one,) = found(tmp_path, "feedback_id", said.feedback_id)
    assert (one["status"], one["history"][0]["feedback_id"]) == ("retracted", taken_back.feedback_id)


def test_another_tenant_finds_nothing(tmp_path: Path, journal: Journal) -> None:
    """Not by the id, not by the trace, not by the session."""
    call = stories.closed()
    said = stories.feedback(target_response_id="chatcmpl-1")
    of_session = stories.feedback(target_session_id="s1")
    write(tmp_path, journal, call.opened, call, said, of_session, committed=True)
    for column, value in (
        ("feedback_id", said.feedback_id),
        ("trace_id", call.key.trace_id),
        ("session_id", "s1"),
    ):
        assert found(tmp_path, column, value, tenant="another") == []
        assert found(tmp_path, column, value, tenant=said.tenant) != []


def test_the_newest_are_shown_first_and_no_more_than_asked(tmp_path: Path, journal: Journal) -> None:
    """A bound on what one question costs."""
    said = [stories.feedback(target_session_id="s1", given_ns=at) for at in (1, 2, 3)]
    write(tmp_path, journal, *said, committed=False)
    shown = [one["given_ns"] for one in found(tmp_path, "session_id", "s1", limit=2)]
    assert shown == [3, 2]


def test_what_only_the_call_can_tell_is_judged_with_its_tools_and_texts(tmp_path: Path, journal: Journal) -> None:
    """A tool that was not offered, a span beyond the answer, another credential's trace: rejected, with the reason."""
    call = stories.closed(answered="four")
    about = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
    called = {"id": "1", "type": "function", "function": {"name": "fly", "arguments": "{}"}}
    message = json.dumps({"role": "assistant", "tool_calls": [called]})
    reasons = {
        "tool_not_offered": stories.feedback(kind="correction", value_json=message, **about),
        "span_out_of_bounds": stories.feedback(span=TextSpan(0, 5), **about),
        "foreign_tenant": stories.feedback(tenant="somebody", **about),
    }
    write(tmp_path, journal, call.opened, call, *reasons.values(), committed=True)
    for reason, said in reasons.items():
        (one,) = found(tmp_path, "feedback_id", said.feedback_id, tenant=said.tenant)
        assert (one["status"], one["reason"]) == ("rejected", reason)


def test_an_earlier_word_of_the_same_voice_is_replaced(tmp_path: Path, journal: Journal) -> None:
    """Also where it alone is asked for, and the later one named the answer by another key."""
    call = stories.closed(response_id="chatcmpl-7")
    first = stories.feedback(target_trace_id=call.key.trace_id)
    again = stories.feedback(target_response_id="chatcmpl-7", value_json="true", given_ns=first.given_ns + 1)
    write(tmp_path, journal, call.opened, call, first, committed=True)
    write(tmp_path, journal, again, committed=False)
    assert [found(tmp_path, "feedback_id", one.feedback_id)[0]["status"] for one in (first, again)] == [
        "replaced", "counts",
    ]  # fmt: skip


def test_a_retraction_counts_once_it_has_taken_something_back(tmp_path: Path, journal: Journal) -> None:
    """Read by its own id: pending where nothing of that id is known."""
    said = stories.feedback(target_trace_id="7" * 32)
    lost, good = (
        stories.feedback(kind="retraction", value_json="null", supersedes=name) for name in ("no", said.feedback_id)
    )
    write(tmp_path, journal, said, lost, good, committed=True)
    assert [found(tmp_path, "feedback_id", one.feedback_id)[0]["status"] for one in (lost, good)] == [
        "pending", "counts",
    ]  # fmt: skip
