"""Routes in a whole running Backtalk: Claude asked in OpenAI's dialect, a fallback, and what the trace tells of it."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import openai
import pytest

from backtalk.testing.behaviour import Behaviour
from backtalk.testing.provider import Provider, running_provider
from backtalk.testing.serve import Backtalk, running_backtalk

pytestmark = pytest.mark.timeout(180)


def settings(directory: Path, provider: Provider) -> Path:
    """A settings file with a litellm target, a raw one, and a route over both."""
    file = directory / "backtalk.toml"
    file.write_text(
        f"""
        [targets.claude]
        lane = "litellm"
        url = "{provider.url.removesuffix("/v1")}"
        model = "anthropic/*"
        api_key_file = "{directory / "key"}"

        [targets.plain]
        url = "{provider.url}"

        [routes."claude-*"]
        targets = ["claude"]
        fallbacks = ["plain"]
        """,
        encoding="utf-8",
    )
    (directory / "key").write_text("sk-claude", encoding="utf-8")
    return file


def traced(running: Backtalk, trace_id: str) -> dict[str, Any]:
    """The one call of a trace, once it has ended."""
    document = running.wait_for_trace(trace_id, lambda found: found["calls"] and found["calls"][0].get("outcome"))
    call: dict[str, Any] = document["calls"][0]
    return call


def test_a_claude_answers_falls_back_and_tells_what_it_cost(tmp_path: Path) -> None:
    """The first answer comes through litellm and has a price; the second from a fallback whose price nobody knows."""
    with running_provider() as provider:
        config = {"BACKTALK_CONFIG": str(settings(tmp_path, provider))}
        with running_backtalk(provider.url, tmp_path / "data", environ=config) as running:
            client = openai.OpenAI(base_url=f"{running.url}/v1", api_key="sk-app", max_retries=0, timeout=90)
            with client:
                ask = client.chat.completions.with_raw_response.create
                first = ask(model="claude-sonnet-4-5", messages=[{"role": "user", "content": "hi"}])
                assert first.parse().choices[0].message.content == "The scripted provider heard: hi"
                call = traced(running, first.headers["x-trace-id"])
                assert (call["route"], call["target"], call["attempt_count"]) == ("claude-*", "claude", 1)
                assert call["cost_usd"] == pytest.approx(7 * 3e-6 + 8 * 15e-6)
                assert provider.exchanges[-1].header("x-api-key") == "sk-claude"

                provider.script(Behaviour(status=529))
                second = ask(model="claude-sonnet-4-5", messages=[{"role": "user", "content": "again"}])
                assert second.headers["x-backtalk-target"] == "plain"
                call = traced(running, second.headers["x-trace-id"])
                assert [(a["target"], a["status"]) for a in call["attempts"]] == [("claude", 529), ("plain", 200)]
                assert "cost_usd" not in call

            with urllib.request.urlopen(f"{running.url}/v1/models", timeout=10) as answer:  # noqa: S310 -- our own listener
                assert "scripted" in [model["id"] for model in json.load(answer)["data"]]
