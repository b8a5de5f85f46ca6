"""Asking by lot through a real Backtalk: what the app is told is what the ledger keeps, with its chance."""

from pathlib import Path
from typing import Any, Final

import openai

from backtalk.ledger.reader import LedgerReader
from backtalk.testing.provider import Provider
from backtalk.testing.serve import running_backtalk
from backtalk.testing.waiting import wait_until

CHANCES: Final = {"none": 0.5, "inline": 0.3, "prominent": 0.2}
ENOUGH_CALLS: Final = 120
"""Of so many, one arm is never drawn in fewer than one of 10^11 runs."""


def test_the_arm_that_an_app_is_told_is_in_the_ledger_with_its_chance(upstream: Provider, tmp_path: Path) -> None:
    """For every answer and each of the three arms; the policy says what was drawn from."""
    shares: dict[str, Any] = {"feedback__ask__inline_share": 0.3, "feedback__ask__prominent_share": 0.2}
    told: dict[str, str] = {}
    with running_backtalk(upstream.url, tmp_path / "data", feedback__ask__enabled=True, **shares) as running:
        with openai.OpenAI(base_url=f"{running.url}/v1", api_key="sk-ask", max_retries=0) as client:
            while set(told.values()) != set(CHANCES):
                assert len(told) < ENOUGH_CALLS
                raw = client.chat.completions.with_raw_response.create(
                    model="scripted", messages=[{"role": "user", "content": f"Question {len(told)}"}]
                )
                told[raw.headers["x-trace-id"]] = raw.headers["x-feedback-ask"]
        reader = LedgerReader(running.data_dir / "ledger")
        rows = wait_until(
            lambda: found if len(found := reader.calls(trace_ids=told)) == len(told) else None, 30, what="the calls"
        )
    assert {row["trace_id"]: row["ask_arm"] for row in rows} == told
    assert all(abs(row["ask_prob"] - CHANCES[row["ask_arm"]]) < 1e-9 for row in rows)
    assert len({row["ask_policy"] for row in rows}) == 1
