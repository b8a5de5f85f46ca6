"""The reviewers' doors without a ledger; `tests/flows/test_review.py` reviews real answers."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from backtalk.ledger.rows import Rows
from backtalk.model.meter import NoMeter
from backtalk.settings import FeedbackSettings
from backtalk.web.admin import admin_app
from backtalk.web.reviews import Reviews

TOKEN = {"authorization": "Bearer secret-token"}


class _Nowhere:
    async def put(self, payload: bytes) -> None:
        raise AssertionError(payload)


def _get(data_dir: Path, path: str, headers: dict[str, str] = TOKEN) -> httpx2.Response:
    async def ask() -> httpx2.Response:
        app = admin_app(
            data_dir,
            Rows(b"secret"),
            "secret-token",
            NoMeter(),
            reviews=lambda reading: Reviews(reading, _Nowhere(), b"s" * 32, FeedbackSettings()),
        )
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://admin") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def test_an_empty_ledger_has_an_empty_queue(tmp_path: Path) -> None:
    """Before the first answer there is nothing to review and nothing to agree on."""
    assert _get(tmp_path, "/v1/review?reviewer=ann").json() == {"waiting": 0, "items": []}
    assert _get(tmp_path, "/v1/review/agreement").json() == {"rubrics": {}}


@pytest.mark.parametrize("path", ["/v1/review?reviewer=ann", "/v1/review/agreement"])
def test_only_with_the_token(tmp_path: Path, path: str) -> None:
    """The queue shows what people wrote."""
    assert _get(tmp_path, path, headers={}).status_code == 401


@pytest.mark.parametrize("query", ["", "?reviewer=", "?reviewer=%00", "?reviewer=ann&limit=many"])
def test_a_reviewer_has_a_name(tmp_path: Path, query: str) -> None:
    """Otherwise nobody could tell who has seen what."""
    assert _get(tmp_path, f"/v1/review{query}").status_code == 400
