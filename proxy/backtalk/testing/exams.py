"""Evaluation sets for tests, built the real way: wrong answers that somebody corrected become cases.

In: questions with their right answers, and who asked. Out: a data directory with a ledger, and a registered dataset.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from backtalk.datasets.build import build
from backtalk.datasets.recipe import load_recipe
from backtalk.lineage.keeping import register_dataset
from backtalk.model.chat import Message, Request
from backtalk.model.facts import Fact
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

CAPITALS: Final[Mapping[str, str]] = {
    "What is the capital of Australia?": "Canberra",
    "What is the capital of Peru?": "Lima",
    "What is the capital of Kenya?": "Nairobi",
    "What is the capital of Norway?": "Oslo",
}
"""Questions with their right answers."""


def build_exam(
    data_dir: Path,
    answers: Mapping[str, str] = CAPITALS,
    *,
    users: Mapping[str, str] | None = None,
    tools_json: str | None = None,
) -> Path:
    """Build the dataset `exam` and register it; gives its folder."""
    facts: list[Fact] = []
    for number, (question, answer) in enumerate(answers.items()):
        user = (users or {}).get(question)
        request = Request("small", (Message("user", question),), user=user, tools_json=tools_json)
        opened = stories.opened(opened_ns=stories.NOON_NS + number, request=request)
        call = stories.closed(call=opened, answered="I do not know.", response_id=f"r-{number}")
        call = msgspec.structs.replace(call, session_id=f"session-{number}")
        target = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
        facts += [call, stories.feedback(kind="correction", value_json=json.dumps(answer), **target)]
    folder = data_dir / "exam"
    build(write_facts(data_dir / "ledger", *facts), load_recipe("eval"), folder)
    register_dataset(data_dir, folder, actor="ada", name="exam")
    return folder
