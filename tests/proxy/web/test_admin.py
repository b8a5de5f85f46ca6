"""The admin listener, asked over HTTP."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from backtalk.ledger.rows import Rows
from backtalk.model.facts import Fact, JournalEntry, encode_entry
from backtalk.model.meter import NoMeter
from backtalk.settings import JournalSettings
from backtalk.spool.journal import Journal
from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.testing.waiting import wait_until
from backtalk.web.admin import admin_app

TOKEN = {"authorization": "Bearer secret-token"}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """The worker's journal, under the data directory."""
    made = Journal.open(tmp_path / "journal", JournalSettings(), metrics=Metrics())
    yield made
    made.close()


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[httpx2.Client]:
    """A client of a running admin listener, with its token."""
    app = admin_app(tmp_path, Rows(b"secret"), "secret-token", NoMeter())
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    wait_until(lambda: server.started, what="the listener")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with httpx2.Client(base_url=url, headers=TOKEN, timeout=20) as client:
        yield client
    server.should_exit = True
    thread.join()
    listener.close()


def decide(journal: Journal, *facts: Fact) -> None:
    """Append facts as the worker does."""
    journal.append(encode_entry(JournalEntry(facts)))


def get(client: httpx2.Client, path: str, **query: str) -> Any:
    """A document, as parsed JSON."""
    return client.get(path, params=query).json()


def test_trace_document_joins_what_is_known(admin: httpx2.Client, journal: Journal) -> None:
    """The call, its session, the signal about it and the feedback stand together, before any commit."""
    call = stories.closed()
    thumb = stories.feedback(target_trace_id=call.key.trace_id)
    decide(journal, call, stories.linked(call.opened), stories.signal(call.key, call.key), thumb)

    document = get(admin, f"/v1/traces/{call.key.trace_id}")

    shown = document["calls"][0]
    assert shown["span_id"] == call.key.span_id
    assert shown["session"]["session_id"] == "5e55"
    assert [one["kind"] for one in shown["signals"]] == ["regeneration"]
    assert [one["value"] for one in shown["feedback"]] == [False]


def test_feedback_about_a_session_is_the_sessions(admin: httpx2.Client, journal: Journal) -> None:
    """It is shown with the trace, counted at no call, and not pending."""
    call = stories.closed()
    decide(journal, call, stories.feedback(target_session_id="5e55"))

    document = get(admin, f"/v1/traces/{call.key.trace_id}")

    assert len(document["session_feedback"]) == 1
    assert document["pending_feedback"] == document["calls"][0]["feedback"] == []


def test_list_filters_by_status_signal_and_feedback(admin: httpx2.Client, journal: Journal) -> None:
    """Each filter leaves the calls that it names, newest first."""
    good, bad = stories.closed(), stories.closed(status=500)
    thumb = stories.feedback(target_trace_id=bad.key.trace_id)
    decide(journal, good, bad, stories.signal(good.key, bad.key), thumb)

    def listed(**query: str) -> set[str]:
        return {call["trace_id"] for call in get(admin, "/v1/traces", **query)["calls"]}

    assert listed() == {good.key.trace_id, bad.key.trace_id}
    assert listed(status="500") == {bad.key.trace_id}
    assert listed(signal="regeneration") == {good.key.trace_id}
    assert listed(has_feedback="true") == {bad.key.trace_id}
    assert listed(has_feedback="false") == {good.key.trace_id}
    assert listed(model="no'such") == set()


@pytest.mark.parametrize("path", ["/v1/traces", "/metrics", f"/v1/traces/{'a' * 32}"])
def test_everything_but_probes_wants_the_token(admin: httpx2.Client, path: str) -> None:
    """Without it, or with another, nothing is told; the refusal has OpenAI's shape."""
    for wrong in ("", "Bearer other", "secret-token"):
        answer = admin.get(path, headers={"authorization": wrong})
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "unauthorized"


def test_probes_need_no_token(admin: httpx2.Client) -> None:
    """An orchestrator has none."""
    for path in ("/healthz", "/readyz"):
        assert admin.get(path, headers={"authorization": ""}).status_code == 200


def test_a_redis_that_is_away_is_said_and_no_reason_to_stop(admin: httpx2.Client) -> None:
    """Nothing that is asked of this process depends on it."""
    assert admin.get("/readyz").json() == {"status": "ready", "redis": "away: calls get no session"}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/traces/nonsense", 400, "bad_trace_id"),
        (f"/v1/traces/{'b' * 32}", 404, "unknown_trace"),
        ("/v1/traces?limit=-1", 400, "bad_parameter"),
        ("/v1/traces?has_feedback=maybe", 400, "bad_parameter"),
        ("/v1/traces?colour=blue", 400, "unknown_parameter"),
        ("/elsewhere", 404, "not_found"),
    ],
)
def test_bad_questions_get_a_clear_answer(admin: httpx2.Client, path: str, status: int, code: str) -> None:
    """The status and the code say what was wrong, the message what is allowed."""
    answer = admin.get(path)

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"]


def test_metrics_are_prometheus_text(admin: httpx2.Client, tmp_path: Path) -> None:
    """The figures of every process are summed."""
    metrics = Metrics("proxy")
    metrics.add("backtalk.calls", outcome="completed")
    metrics.publish(tmp_path / "metrics")

    assert 'outcome="completed"' in admin.get("/metrics").text
