"""Feedback that has not found its call, as a figure."""

import asyncio
from pathlib import Path

from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts, write_rows
from backtalk.web.reading import Reading
from backtalk.web.unjoined import Unjoined, unjoined

HOUR_NS = 3_600 * 10**9
NOW_NS = stories.NOON_NS + 2 * HOUR_NS


def test_it_is_counted_by_source_age_and_status(tmp_path: Path) -> None:
    """What has joined is not, nor is what is older than the figure's days."""
    call = stories.closed()
    write_facts(
        tmp_path,
        call,
        stories.feedback(target_trace_id=call.key.trace_id),
        stories.feedback(target_response_id="gone"),
        stories.feedback(target_response_id="gone, too", given_ns=NOW_NS - 1),
        stories.feedback(target_response_id="long ago", given_ns=NOW_NS - 91 * 24 * HOUR_NS),
    )
    counts = {(age, status): count for (_, age, status), count in unjoined(tmp_path, NOW_NS).items()}
    assert counts == {("under 1 day", "pending"): 1, ("under 1 hour", "pending"): 1}


def test_the_gauge_falls_when_the_call_comes(tmp_path: Path) -> None:
    """What was counted and has joined since is recorded as none."""
    call = stories.closed()
    write_facts(tmp_path, stories.feedback(target_trace_id=call.key.trace_id))
    metrics = Metrics("admin")

    async def twice() -> tuple[float, float]:
        reading = Reading(lambda: tmp_path)
        figure = Unjoined(reading, metrics)
        await figure.count(NOW_NS)
        before = total(metrics)
        write_rows(tmp_path, {"calls": [{"dt": "2026-01-01", "tenant": "acme", **call.key._asdict()}]})
        await figure.count(NOW_NS)
        reading.close()
        return before, total(metrics)

    assert asyncio.run(twice()) == (1, 0)


def total(metrics: Metrics) -> float:
    """The gauge's value over all its labels."""
    return metrics.snapshot().value("backtalk.feedback.unjoined")
