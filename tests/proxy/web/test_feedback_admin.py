"""Feedback on the admin listener, asked in process."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from backtalk.errors import RequestError
from backtalk.ledger.rows import Rows
from backtalk.model.facts import JournalEntry, encode_entry
from backtalk.model.meter import NoMeter
from backtalk.settings import JournalSettings
from backtalk.spool.journal import Journal
from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.web.feedback_admin import FeedbackAdmin, within
from backtalk.web.reading import Reading
from backtalk.web.traces import Traces


def asked(query: str, **path: str) -> Request:
    """A request with a query."""
    return Request({"type": "http", "query_string": query.encode(), "path_params": path, "headers": []})


def answered(tmp_path: Path, ask: Callable[[FeedbackAdmin], Awaitable[Response]]) -> Response:
    """What the handlers answer over a data directory."""
    reading = Reading(lambda: Traces(tmp_path, Rows(b"secret"), NoMeter()))

    async def run() -> Response:
        return await ask(FeedbackAdmin(reading))

    try:
        return asyncio.run(run())
    finally:
        reading.close()


def test_one_is_given_by_its_id_within_a_tenant(tmp_path: Path) -> None:
    """Another tenant is told that there is none."""
    journal = Journal.open(tmp_path / "journal", JournalSettings(), metrics=Metrics())
    said = stories.feedback(target_session_id="s1")
    journal.append(encode_entry(JournalEntry((said,))))
    mine = asked("tenant=acme", feedback_id=said.feedback_id)
    assert b'"status":"pending"' in answered(tmp_path, lambda admin: admin.one(mine)).body
    listed = answered(tmp_path, lambda admin: admin.find(asked("session_id=s1&tenant=acme&limit=1")))
    assert said.feedback_id.encode() in listed.body
    other = asked("tenant=other", feedback_id=said.feedback_id)
    with pytest.raises(RequestError) as error:
        answered(tmp_path, lambda admin: admin.one(other))
    assert (error.value.status, error.value.code) == (404, "unknown_feedback")
    journal.close()


@pytest.mark.parametrize("query", ["", "tenant=t", "trace_id=1&session_id=2", "colour=red", "trace_id=1&limit=x"])
def test_a_question_names_one_key(tmp_path: Path, query: str) -> None:
    """Anything else is refused with the keys that there are."""
    with pytest.raises(RequestError) as error:
        answered(tmp_path, lambda admin: admin.find(asked(query)))
    assert error.value.code == "bad_parameter"


def test_an_answer_is_bounded_and_never_empty() -> None:
    """The newest stay; somebody's long texts do not make what others said unreadable."""
    documents = [{"comment": "é" * 100}, {"comment": "b" * 100}, {"comment": "c"}]
    assert within(documents, 1) == documents[:1]
    assert within(documents, 340) == documents[:2]
    assert within(documents, 10_000) == documents
    assert within([], 1) == []
