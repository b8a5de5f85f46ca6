"""Scores as feedback, on the exact calls."""

import json
from collections.abc import Iterator

import msgspec
import pytest

from backtalk.errors import UpstreamError
from backtalk.evaluation.scores import CaseScores, Scores
from backtalk.evaluation.telling import tell
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.provider import Provider, running_provider

CASES = (
    CaseScores("a" * 64, 0, 0, {"exact": 1.0, "judge": "unparsable", "tool_calls": None}, "c" * 32, "d" * 16),
    CaseScores("b" * 64, 1, 1, {"exact": 0.0}),
    CaseScores("e" * 64, 2, 2, {}, error="503"),
)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A server that keeps what it is sent."""
    with running_provider(Behaviour(raw_body=b"{}")) as running:
        yield running


def scores(provider: Provider) -> Scores:
    """Scores of calls through this server."""
    return Scores("d1", "exam", "small", provider.url, {}, None, {}, 1, CASES)


def test_each_number_is_told_of_its_own_call_once(provider: Provider) -> None:
    """No verdict, nothing to say, and no trace are no feedback; sent again it has the same key."""
    assert tell(scores(provider), "sk-judge") == tell(scores(provider), "sk-judge") == 1
    first, again = provider.exchanges
    assert first.target == "/v1/feedback"
    assert first.header("authorization") == "Bearer sk-judge"
    assert first.header("idempotency-key") == again.header("idempotency-key")
    assert json.loads(first.body) == {
        "request_id": f"{'c' * 32}-{'d' * 16}", "kind": "score", "metric": "evaluation.exact", "value": 1.0,
        "range": [0, 1],
    }  # fmt: skip


def test_what_is_not_taken_is_said(provider: Provider) -> None:
    """With the status; nothing of the key."""
    provider.default = Behaviour(status=503)
    with pytest.raises(UpstreamError, match="503; send it again") as refused:
        tell(scores(provider), "sk-judge")
    assert "sk-judge" not in refused.value.message
    with pytest.raises(UpstreamError, match="was not taken"):
        tell(msgspec.structs.replace(scores(provider), base_url="http://127.0.0.1:1"), None)
