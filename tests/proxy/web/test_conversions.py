"""GET /v1/conversion, and the gauge."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2

from backtalk.ledger.rows import Rows
from backtalk.lineage import keeping
from backtalk.model.meter import NoMeter
from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.ledgers import write_facts
from backtalk.web.admin import admin_app
from backtalk.web.conversions import Conversions
from backtalk.web.reading import Reading

NOW_NS = stories.NOON_NS + 3_600 * 10**9
CALL = stories.closed()


def fill(data_dir: Path) -> None:
    """Two thumbs, of which one became a row."""
    said = [stories.feedback(feedback_id=name, target_trace_id=CALL.key.trace_id, rater=name) for name in "ab"]
    write_facts(data_dir / "ledger", CALL, *said)
    keeping.register_dataset(
        data_dir, write_dataset(data_dir / "out", "pairs", [a_row("one", feedback=["a"])]), actor="ada"
    )


def get(data_dir: Path, **asked: Any) -> httpx2.Response:
    """The answer to one question."""

    async def ask() -> httpx2.Response:
        app = admin_app(data_dir, Rows(b"secret"), "t", NoMeter())
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://admin") as client:
            return await client.get("/v1/conversion", params=asked, headers={"authorization": "Bearer t"})

    return asyncio.run(ask())


def test_the_document_is_that_of_the_command(tmp_path: Path) -> None:
    """For the period that was asked for; a wrong one is refused."""
    fill(tmp_path)
    total = get(tmp_path, since_ns=stories.NOON_NS, until_ns=NOW_NS).json()["total"]
    assert (total["count"], total["converted"]) == (2, 1)
    assert get(tmp_path, until_ns=stories.NOON_NS).json()["total"]["count"] == 0
    assert get(tmp_path, since="1").json()["error"]["code"] == "unknown_parameter"


def test_the_gauge_is_the_share_and_falls_to_none(tmp_path: Path) -> None:
    """A kind of which nothing is left is not shown as it was."""
    fill(tmp_path)
    metrics = Metrics("admin")

    async def twice() -> list[float]:
        reading = Reading(lambda: tmp_path / "ledger")
        figure = Conversions(reading, metrics)
        seen: list[float] = []
        for now_ns in (NOW_NS, NOW_NS + 40 * 86_400 * 10**9):
            await figure.count(now_ns)
            seen.append(metrics.snapshot().value("backtalk.conversion.share", fact="feedback", kind="rating"))
        reading.close()
        return seen

    assert asyncio.run(twice()) == [0.5, 0.0]
