"""With capture mode `none` no text of a call is written anywhere, and what needs none is still noticed."""

from pathlib import Path
from typing import Any

import openai

from backtalk.testing.provider import running_provider
from backtalk.testing.serve import running_backtalk

QUESTION = "Which canary sings in the old mine?"


def _ask(client: openai.OpenAI, messages: Any, *, stream: bool = False) -> tuple[str, str]:
    """Returns text and trace id."""
    if not stream:
        raw = client.chat.completions.with_raw_response.create(model="scripted", messages=messages)
        return raw.parse().choices[0].message.content or "", raw.headers["x-trace-id"]
    with client.chat.completions.create(model="scripted", messages=messages, stream=True) as chunks:
        trace_id = chunks.response.headers["x-trace-id"]
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), trace_id


def test_no_text_is_on_the_disk_and_sessions_and_signals_are_found(tmp_path: Path) -> None:
    """A conversation, a regeneration and an edited answer, then a search through every file."""
    with (
        running_provider() as provider,
        running_backtalk(provider.url, tmp_path, capture__mode="none") as backtalk,
        openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="k", max_retries=0) as client,
    ):
        opening = [{"role": "user", "content": QUESTION}]
        first, first_trace = _ask(client, opening, stream=True)
        asked = [*opening, {"role": "assistant", "content": first}, {"role": "user", "content": "Which canary else?"}]
        _, second_trace = _ask(client, asked)
        third, third_trace = _ask(client, asked)
        regenerated = backtalk.wait_for_trace(second_trace, lambda found: found["calls"][0]["signals"])
        edited = {"role": "assistant", "content": f"{third} Or so the canary says."}
        _ask(client, [*asked, edited, {"role": "user", "content": "Go on."}], stream=True)
        last = backtalk.wait_for_trace(third_trace, lambda found: found["calls"][0]["signals"])
        start = backtalk.wait_for_trace(first_trace)

        assert [signal["kind"] for signal in regenerated["calls"][0]["signals"]] == ["regeneration"]
        assert [signal["kind"] for signal in last["calls"][0]["signals"]] == ["assistant_edit"]
        assert start["calls"][0]["session_id"] == last["calls"][0]["session_id"]
        assert start["calls"][0]["request"]["messages"][0]["text"].startswith("#")
        assert "canary" in first
    held = [path for path in tmp_path.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]
    assert held == []
