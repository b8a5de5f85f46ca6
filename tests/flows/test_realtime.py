"""A realtime session through a whole Backtalk: a real client, a real server, and the call that is recorded."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from backtalk.testing.serve import running_backtalk

_KEY = "sk-secret-of-the-session"
_PROTOCOLS = [Subprotocol("realtime"), Subprotocol(f"openai-insecure-api-key.{_KEY}")]


async def _provider(socket: ServerConnection) -> None:
    """Greet, hear, answer: a session as the API's events tell it."""
    session = {"type": "realtime", "model": "gpt-realtime", "instructions": "Be kind."}
    await socket.send(json.dumps({"type": "session.created", "session": session}))
    async for message in socket:
        event = json.loads(message)
        if event["type"] == "conversation.item.create":
            await socket.send(
                json.dumps({"type": "conversation.item.added", "item": {**event["item"], "id": "item_1"}})
            )
        elif event["type"] == "response.create":
            await socket.send(
                json.dumps({"type": "response.output_audio.delta", "item_id": "item_2", "delta": "QUJD" * 99})
            )
            await socket.send(json.dumps({"type": "response.done", "response": _RESPONSE}))


_SPOKEN = {"type": "output_audio", "transcript": "A red kangaroo and an emu."}
_ANSWER = {"id": "item_2", "type": "message", "role": "assistant", "content": [_SPOKEN]}
_USAGE = {"input_tokens": 12, "output_tokens": 34}
_RESPONSE: dict[str, Any] = {"id": "resp_1", "status": "completed", "output": [_ANSWER], "usage": _USAGE}


@contextlib.asynccontextmanager
async def _listening() -> AsyncGenerator[str]:
    async with serve(_provider, "127.0.0.1", 0, subprotocols=_PROTOCOLS[:1]) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/v1"


async def _session(url: str) -> str:
    """One session as an app has it; returns the trace id that the 101 carried."""
    async with connect(
        f"{url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime", subprotocols=_PROTOCOLS
    ) as socket:
        assert socket.response is not None
        said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Which animals?"}]}
        await socket.send(json.dumps({"type": "conversation.item.create", "item": said}))
        await socket.send(json.dumps({"type": "response.create"}))
        async for message in socket:
            if json.loads(message)["type"] == "response.done":
                break
        return socket.response.headers["x-trace-id"]


@pytest.mark.anyio
async def test_a_session_is_one_call_with_its_conversation(tmp_path: Path) -> None:
    """What was said on both sides, the tokens, how it ended; the key of the sub-protocol is kept nowhere."""
    async with _listening() as upstream:
        call, files = await asyncio.to_thread(_recorded, upstream, tmp_path / "data")
    assert (call["api"], call["status"], call["outcome"]) == ("realtime", 101, "completed")
    assert (call["model"], call["response_id"]) == ("gpt-realtime", "resp_1")
    assert (call["input_tokens"], call["output_tokens"]) == (12, 34)
    assert [path for path in files if _KEY.encode() in path.read_bytes()] == []


def _recorded(upstream: str, data_dir: Path) -> tuple[dict[str, Any], list[Path]]:
    """Run a session in another loop, and read the call that became of it."""
    with running_backtalk(upstream, data_dir) as backtalk:
        trace_id = asyncio.run(_session(backtalk.url))
        call = backtalk.wait_for_trace(trace_id, lambda found: found["calls"] and "outcome" in found["calls"][0])[
            "calls"
        ][0]
    return call, [path for path in data_dir.rglob("*") if path.is_file()]
