"""Erasures over the admin listener."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from backtalk.ledger.rows import Rows
from backtalk.model.meter import NoMeter
from backtalk.spool import erasures
from backtalk.web.admin import admin_app

ORDER = {"by": "user", "subject": "Alice", "reason": "asked for"}


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[TestClient]:
    """The admin listener over an empty data directory."""
    app = admin_app(tmp_path, Rows(b"secret"), "secret-token", NoMeter())
    with TestClient(app, headers={"authorization": "Bearer secret-token"}) as client:
        yield client


def test_an_order_is_durable_when_it_is_answered(admin: TestClient, tmp_path: Path) -> None:
    """And told without the person's name, alone and in the list."""
    answer = admin.post("/v1/erasures", json=ORDER)
    assert answer.status_code == 202
    (kept,) = erasures.load(tmp_path)
    assert (kept.id, kept.subject, kept.actor) == (answer.json()["id"], "Alice", "the admin token")
    told = admin.get(f"/v1/erasures/{kept.id}").json()
    assert (told["status"], told["trace_ids"]) == ("ordered", [])
    listed = admin.get("/v1/erasures")
    assert [one["id"] for one in listed.json()["erasures"]] == [kept.id]
    assert "Alice" not in answer.text + listed.text + str(told)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"by":"mood","subject":"x","reason":"y"}', 400),
        (b'{"by":"user","subject":"x"}', 400),
        (b'{"by":"user","subject":"x","reason":"y","force":true}', 400),
        (b'{"by":"trace","subject":"x","reason":"y"}', 400),
        (b'{"by":"user","subject":"' + b"x" * 20_000 + b'","reason":"y"}', 413),
    ],
)
def test_an_order_that_cannot_be_taken_is_refused(admin: TestClient, tmp_path: Path, body: bytes, status: int) -> None:
    """With a sentence, and nothing is ordered."""
    answer = admin.post("/v1/erasures", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert erasures.load(tmp_path) == []


def test_only_who_has_the_token_may(admin: TestClient) -> None:
    """Nobody else may even know of an order."""
    for method, path in (("POST", "/v1/erasures"), ("GET", "/v1/erasures"), ("GET", "/v1/erasures/0")):
        answer: Any = admin.request(method, path, json=ORDER, headers={"authorization": "Bearer other"})
        assert answer.status_code == 401


def test_an_unknown_order_is_not_found(admin: TestClient) -> None:
    """404, as anywhere."""
    assert admin.get("/v1/erasures/0123").status_code == 404
