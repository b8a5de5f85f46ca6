"""Every dialect is a conversation: sessions and signals are found, and its credential is kept nowhere."""

import contextlib
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from backtalk.testing.serve import Backtalk
from backtalk.testing.waiting import wait_until

_KEY = "sk-ant-secret-of-the-flow"


def _post(url: str, body: dict[str, Any], **headers: str) -> tuple[int, dict[str, str], bytes]:
    fields = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(url, json.dumps(body).encode(), fields)  # noqa: S310 -- our own listener
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- likewise
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def _asked(backtalk: Backtalk, *turns: dict[str, Any], stream: bool = False) -> tuple[str, str]:
    """Ask in Anthropic's words; returns text and trace id."""
    body = {"model": "claude", "max_tokens": 99, "system": "Be brief.", "messages": list(turns), "stream": stream}
    _, headers, answer = _post(f"{backtalk.url}/v1/messages", body, x_api_key=_KEY, anthropic_version="2023-06-01")
    if not stream:
        return json.loads(answer)["content"][0]["text"], headers["x-trace-id"]
    events = [json.loads(line[5:]) for line in answer.split(b"\n") if line.startswith(b"data:")]
    return "".join(e["delta"].get("text", "") for e in events if "text" in e.get("delta", {})), headers["x-trace-id"]


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def test_a_conversation_in_anthropics_words_has_sessions_and_signals(backtalk: Backtalk) -> None:
    """Streamed or not, the answer that is asked for again was passed over, in the session of the turn before."""
    opening = _user("Which sea lies south of the city of Genoa?")
    first, first_trace = _asked(backtalk, opening)
    turns = (
        opening,
        {"role": "assistant", "content": [{"type": "text", "text": first}]},
        _user("How deep is that sea?"),
    )
    _, second_trace = _asked(backtalk, *turns, stream=True)
    _, again_trace = _asked(backtalk, *turns, stream=True)
    found = backtalk.wait_for_trace(second_trace, lambda d: d["calls"] and d["calls"][0]["signals"])["calls"][0]
    assert [signal["kind"] for signal in found["signals"]] == ["regeneration"]
    assert found["signals"][0]["shown_by"]["trace_id"] == again_trace
    start = backtalk.wait_for_trace(first_trace, _ended)["calls"][0]
    assert (start["session_id"], start["finish_reasons"]) == (found["session_id"], ["stop"])
    assert start["input_tokens"] > 0


def test_our_own_errors_are_in_the_dialects_shape(backtalk: Backtalk) -> None:
    """What Backtalk itself refuses is told as the client expects it."""
    status, headers, body = _post(f"{backtalk.url}/v1/messages/..%2fx", {}, x_api_key=_KEY)
    assert (status, headers["content-type"]) == (400, "application/json")
    assert json.loads(body)["error"]["code"] == "bad_path"
    assert headers["x-trace-id"]


def test_azures_path_is_relayed_and_understood(backtalk: Backtalk) -> None:
    """The deployment's chat is a chat, under the key of its own header; the provider does not know the path."""
    url = f"{backtalk.url}/openai/deployments/gpt/chat/completions?api-version=2024-10-21&key={_KEY}"
    _, headers, _ = _post(url, {"messages": [_user("Which hill is highest in Rome?")]}, api_key=_KEY)
    call = backtalk.wait_for_trace(headers["x-trace-id"], _ended)["calls"][0]
    assert (call["api"], call["path"]) == ("chat", "/openai/deployments/gpt/chat/completions")
    assert call["outcome"] == "completed"


def test_no_credential_is_written_anywhere(backtalk: Backtalk) -> None:
    """Whichever header or parameter carried it: not in spool, journal, ledger, Redis or log."""
    _, headers, _ = _post(f"{backtalk.url}/v1/messages?key={_KEY}&beta=true", {"messages": []}, x_api_key=_KEY)
    backtalk.wait_for_trace(headers["x-trace-id"], _ended)

    wait_until(lambda: any(backtalk.data_dir.glob("ledger/calls/**/*.parquet")), 10, what="a commit of the ledger")
    assert [path for path in backtalk.data_dir.rglob("*") if _KEY.encode() in _content(path)] == []
    assert _KEY not in backtalk.output


def _content(path: Path) -> bytes:
    """What a file holds; nothing where it was consumed meanwhile, or is none."""
    with contextlib.suppress(OSError):
        return path.read_bytes() if path.is_file() else b""
    return b""


def _ended(found: dict[str, Any]) -> bool:
    return bool(found["calls"]) and "outcome" in found["calls"][0]
