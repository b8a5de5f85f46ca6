"""GET /v1/audit, asked over HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from backtalk.ledger.rows import Rows
from backtalk.model.meter import NoMeter
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts
from backtalk.web.admin import admin_app

TOKEN = {"authorization": "Bearer secret-token"}
NOON_NS = stories.NOON_NS


@asynccontextmanager
async def client(data_dir: Path) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of the admin app."""
    app = admin_app(data_dir, Rows(b"secret"), "secret-token", NoMeter())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://admin") as made:
        yield made


def get(data_dir: Path, headers: dict[str, str] = TOKEN, **asked: Any) -> httpx2.Response:
    """The answer to one question."""

    async def ask() -> httpx2.Response:
        async with client(data_dir) as made:
            return await made.get("/v1/audit", params=asked, headers=headers)

    return asyncio.run(ask())


def test_the_document_is_that_of_the_command(tmp_path: Path) -> None:
    """For the period that was asked for."""
    write_facts(tmp_path / "ledger", stories.closed())
    found = get(tmp_path, since_ns=NOON_NS, until_ns=NOON_NS + 1)
    assert found.status_code == 200
    assert found.json()["total"]["calls"] == 1
    assert found.json()["since_ns"] == NOON_NS
    assert get(tmp_path, until_ns=NOON_NS).json()["total"]["calls"] == 0


def test_only_with_the_token(tmp_path: Path) -> None:
    """It speaks of all tenants."""
    assert get(tmp_path, headers={}).status_code == 401


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"since": "1"}, "unknown_parameter"),
        ({"since_ns": "yesterday"}, "bad_parameter"),
        ({"since_ns": 2, "until_ns": 1}, "bad_period"),
    ],
)
def test_a_wrong_question_is_refused(tmp_path: Path, asked: dict[str, Any], code: str) -> None:
    """By name, with what is allowed."""
    answer = get(tmp_path, **asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
