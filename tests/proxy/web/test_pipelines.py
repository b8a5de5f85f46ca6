"""Pipelines over the admin listener."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from backtalk.ledger.rows import Rows
from backtalk.model.meter import NoMeter
from backtalk.pipeline import state_log, triggers
from backtalk.pipeline.events import Ended, StepFinished
from backtalk.pipeline.folders import home
from backtalk.pipeline.running import make_known
from backtalk.testing.pipelines import a_pipeline, began
from backtalk.web.admin import admin_app

RUN_ID = "20260101t120000000z-abcdef"
TRIGGER = "/v1/pipelines/support/trigger"


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[TestClient]:
    """The admin listener over a data directory with one pipeline."""
    make_known(tmp_path, a_pipeline('description = "Tunes it."'))
    app = admin_app(tmp_path, Rows(b"secret"), "secret-token", NoMeter())
    with TestClient(app, headers={"authorization": "Bearer secret-token"}) as client:
        yield client


def test_a_trigger_is_durable_when_it_is_answered(admin: TestClient, tmp_path: Path) -> None:
    """Without a body too; who asked and why stands in it."""
    answer = admin.post(TRIGGER, json={"reason": "labels came", "actor": "ada", "force": True})
    assert (answer.status_code, answer.json()["duplicate"]) == (202, False)
    assert admin.post(TRIGGER).status_code == 202
    first, second = triggers.pending(home(tmp_path, "support"))
    assert (first.id, first.actor, first.reason, first.force) == (answer.json()["id"], "ada", "labels came", True)
    assert (second.actor, second.force) == ("the admin token", False)


def test_a_repeat_under_one_key_asks_once(admin: TestClient, tmp_path: Path) -> None:
    """As with feedback."""
    said = [admin.post(TRIGGER, headers={"Idempotency-Key": "k"}).json() for _ in range(3)]
    assert [one["duplicate"] for one in said] == [False, True, True]
    assert len({one["id"] for one in said}) == len(triggers.pending(home(tmp_path, "support"))) == 1


def test_repeats_at_once_ask_once_and_no_more_wait_than_may(admin: TestClient, tmp_path: Path) -> None:
    """However many come at the same time."""
    with ThreadPoolExecutor(16) as threads:
        keyed = [threads.submit(admin.post, TRIGGER, headers={"Idempotency-Key": "k"}) for _ in range(32)]
        assert {one.result().status_code for one in keyed} == {202}
        assert sum(not one.result().json()["duplicate"] for one in keyed) == 1
        others = [threads.submit(admin.post, TRIGGER) for _ in range(triggers.MAX_PENDING + 50)]
        assert {one.result().status_code for one in others} == {202, 429}
    assert len(triggers.pending(home(tmp_path, "support"))) == triggers.MAX_PENDING


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        (TRIGGER, b"{", {}, 400),
        (TRIGGER, b'{"force": "yes"}', {}, 400),
        (TRIGGER, b'{"shell": "rm"}', {}, 400),
        (TRIGGER, b'{"reason": ""}', {}, 400),
        (TRIGGER, b'{"reason": "' + b"x" * 20_000 + b'"}', {}, 413),
        (TRIGGER, b"", {"Idempotency-Key": "x" * 300}, 400),
        ("/v1/pipelines/nobody/trigger", b"", {}, 404),
        ("/v1/pipelines/..%2fsupport/trigger", b"", {}, 404),
    ],
)
def test_a_trigger_that_cannot_be_taken_is_refused(
    admin: TestClient, tmp_path: Path, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    """With a sentence, and nothing is written."""
    answer = admin.post(path, content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert triggers.pending(home(tmp_path, "support")) == []
    assert [path.name for path in (tmp_path / "pipelines").iterdir()] == ["support"]


def test_above_the_limit_it_is_too_much(admin: TestClient) -> None:
    """429, and who should take them."""
    for _ in range(triggers.MAX_PENDING):
        assert admin.post(TRIGGER).status_code == 202
    answer = admin.post(TRIGGER)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_triggers")


def test_pipelines_are_listed_with_their_runs(admin: TestClient, tmp_path: Path) -> None:
    """The latest first, each with its state, and what waits."""
    place = home(tmp_path, "support")
    state_log.append(place.runs / RUN_ID, began(RUN_ID))
    state_log.append(place.runs / RUN_ID, StepFinished(2, "dataset", {"rows": 3}))
    state_log.append(place.runs / RUN_ID, Ended(3, "no_proposal", "worse"))
    admin.post(TRIGGER)
    (found,) = admin.get("/v1/pipelines").json()["pipelines"]
    assert (found["name"], found["description"], found["context"]) == ("support", "Tunes it.", "production")
    assert (len(found["pending"]), found["answers"]) == (1, [])
    assert [(run["run_id"], run["state"]) for run in found["runs"]] == [(RUN_ID, "no_proposal")]
    run = admin.get(f"/v1/pipelines/runs/{RUN_ID}").json()
    assert (run["steps"], run["proposal"]) == ({"dataset": {"rows": 3}}, None)
    assert admin.get("/v1/pipelines/runs/none").status_code == 404


def test_only_who_has_the_token_may(admin: TestClient) -> None:
    """Nobody else may even know of a pipeline."""
    for method, path in (("POST", TRIGGER), ("GET", "/v1/pipelines"), ("GET", f"/v1/pipelines/runs/{RUN_ID}")):
        answer = admin.request(method, path, headers={"authorization": "Bearer other"})
        assert answer.status_code == 401
