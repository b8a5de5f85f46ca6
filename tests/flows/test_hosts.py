"""Backtalk inside a model server's own process: FastAPI as people write it, and the real LiteLLM proxy."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest
from websockets.asyncio.client import connect

from backtalk.ledger.reader import LedgerReader
from backtalk.session.embedded import EmbeddedServer
from backtalk.settings import plain_environ
from backtalk.testing.sockets import free_port
from backtalk.testing.waiting import wait_until

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

KEY: Final = "sk-7f3c9a51e2b84d06a1c5f7e39b20d4c8"
ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = ROOT / ".venvs/hosts/bin/python"
FASTAPI: Final = """
import contextlib
from fastapi import FastAPI, HTTPException, WebSocket
from fastapi.responses import StreamingResponse
from backtalk.asgi import Backtalk

state = {"started": False}

@contextlib.asynccontextmanager
async def lifespan(app):
    state["started"] = True
    yield

app = FastAPI(lifespan=lifespan)

@app.post("/v1/chat/completions")
async def chat(body: dict):
    text = "I heard: " + body["messages"][-1]["content"]
    whole = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    if not body.get("stream"):
        usage = {"prompt_tokens": 3, "completion_tokens": 4}
        return {"id": "c", "model": body["model"], "choices": [whole], "usage": usage}
    def chunks():
        for word in (text[:5], text[5:]):
            yield 'data: {"id": "c", "choices": [{"index": 0, "delta": {"content": "%s"}}]}\\n\\n' % word
        yield 'data: {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\\n\\n'
        yield 'data: [DONE]\\n\\n'
    return StreamingResponse(chunks(), media_type="text/event-stream")

@app.get("/v1/models")
async def models():
    return {"object": "list", "data": [], "started": state["started"]}

@app.get("/v1/teapot")
async def teapot():
    raise HTTPException(418, "short and stout")

@app.get("/v1/crash")
async def crash():
    raise RuntimeError("sk-secret")

@app.get("/health")
async def health():
    return {}

@app.websocket("/v1/realtime")
async def realtime(socket: WebSocket):
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close(1000)

inner = FastAPI(lifespan=lifespan)
inner.include_router(app.router)
outermost = Backtalk(inner)
app.add_middleware(Backtalk)
"""
LITELLM: Final = """
from litellm.proxy.proxy_server import app as proxy
from backtalk.asgi import Backtalk

app = Backtalk(proxy)
"""
LITELLM_CONFIG: Final = """
model_list:
  - model_name: mocked
    litellm_params: {model: openai/gpt-4o-mini, api_key: sk-none, mock_response: "The answer of the mock is forty-two."}
"""


class Host:
    """A running model server with Backtalk inside, and a worker beside it."""

    def __init__(self, port: int, data_dir: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.data_dir = data_dir

    def ask(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, str], bytes]:
        """One request; GET without a body."""
        fields = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, fields)  # noqa: S310 -- a server of this test
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- likewise
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()

    def calls(self, *trace_ids: str) -> list[dict[str, Any]]:
        """The calls of these traces, one each, once the ledger has them all."""

        def look() -> list[dict[str, Any]] | None:
            rows = LedgerReader(self.data_dir / "ledger").calls(trace_ids=trace_ids)
            found = {row["trace_id"]: row for row in rows}
            return [found[trace_id] for trace_id in trace_ids] if len(found) == len(trace_ids) else None

        return wait_until(look, 30, what=f"{len(trace_ids)} calls in the ledger")

    def signals(self, trace_id: str) -> list[str]:
        """What was found about a call."""
        rows = LedgerReader(self.data_dir / "ledger").signals(trace_ids=[trace_id])
        return [row["kind"] for row in rows if row["fact"] == "signal" and row["trace_id"] == trace_id]


@contextlib.contextmanager
def hosting(directory: Path, source: str, app: str, *options: str, **variables: str) -> Generator[Host]:
    """Run an app under uvicorn in the hosts' environment, on asyncio's own loop, and `backtalk worker` beside it."""
    data_dir, port = directory / "data", free_port()
    (directory / "model_server.py").write_text(source, encoding="utf-8")
    paths = os.pathsep.join(map(str, (ROOT / "proxy", ROOT / "plugins", directory)))
    own = {"PYTHONPATH": paths, "BACKTALK_DATA_DIR": str(data_dir), "BACKTALK_LEDGER_COMMIT_S": "0.2"}
    environ = plain_environ() | own | variables
    uvicorn = ["-m", "uvicorn", f"model_server:{app}", "--port", str(port), "--loop", "asyncio", *options]
    with contextlib.ExitStack() as stack:
        redis = EmbeddedServer(data_dir / "redis")
        stack.callback(EmbeddedServer.stop, redis.start())
        wait_until(redis.answers, 10, what="a Redis for the worker")
        server, *_ = [
            stack.enter_context(_running(program, environ, directory))
            for program in ([str(PYTHON), *uvicorn], [sys.executable, "-m", "backtalk", "worker"])
        ]
        host = Host(port, data_dir)
        wait_until(lambda: server.poll() is not None or _is_up(host), 120, what=f"the host at {host.url}")
        assert server.poll() is None
        yield host


@pytest.mark.parametrize(("app", "workers"), [("app", 2), ("outermost", 1)])
def test_a_fastapi_model_server_is_observed(tmp_path: Path, app: str, workers: int) -> None:
    """As `--middleware backtalk.asgi.Backtalk` adds it, in several workers, and as the outermost app."""
    with hosting(tmp_path, FASTAPI, app, "--workers", str(workers)) as host:
        opening = [{"role": "user", "content": "Which bay does the old lighthouse stand in?"}]
        _, headers, body = host.ask("/v1/chat/completions", {"model": "m", "messages": opening})
        answer = json.loads(body)["choices"][0]["message"]
        turn = [*opening, answer, {"role": "user", "content": "And how tall is that lighthouse?"}]
        asked = {"model": "m", "messages": turn, "stream": True}
        streams = [host.ask("/v1/chat/completions", asked) for _ in range(2)]
        assert all(body.endswith(b"data: [DONE]\n\n") for _, _, body in streams)
        assert json.loads(host.ask("/v1/models")[2])["started"] is True
        seen: list[str] = []
        for path, status in (("/v1/teapot", 418), ("/v1/nothing", 404), ("/v1/crash", 500)):
            found, fields, body = host.ask(path)
            assert (found, b"sk-secret" in body) == (status, False)
            seen.append(fields["x-trace-id"])
        assert host.ask("/health")[1]["x-trace-id"]
        seen.append(asyncio.run(_speaks(host)))
        first, second, *others = host.calls(headers["x-trace-id"], streams[0][1]["x-trace-id"], *seen)
        assert (first["input_tokens"], first["outcome"]) == (3, "completed")
        assert first["session_id"] == second["session_id"]
        assert wait_until(lambda: host.signals(second["trace_id"]), 10, what="a signal") == ["regeneration"]
        assert [call["status"] for call in others] == [418, 404, 500, 101]
        assert others[-1]["api"] == "realtime"
        assert len([path for path in (host.data_dir / "spool").iterdir() if path.is_dir()]) == workers


def test_the_litellm_proxy_is_observed(tmp_path: Path) -> None:
    """The real app, a model of its configuration: OpenAI's and Anthropic's dialect, streamed and not."""
    config = tmp_path / "config.yaml"
    config.write_text(LITELLM_CONFIG, encoding="utf-8")
    alone = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # nothing is fetched
    with hosting(tmp_path, LITELLM, "app", CONFIG_FILE_PATH=str(config), LITELLM_MASTER_KEY=KEY, **alone) as host:
        body = {"model": "mocked", "max_tokens": 9, "messages": [{"role": "user", "content": "What is the answer?"}]}
        plain = host.ask("/v1/chat/completions", body)
        stream = host.ask("/v1/chat/completions", {**body, "stream": True})
        native = host.ask("/v1/messages", body)
        assert [status for status, _, _ in (plain, stream, native)] == [200, 200, 200]
        assert json.loads(plain[2])["choices"][0]["message"]["content"] == "The answer of the mock is forty-two."
        calls = host.calls(*(fields["x-trace-id"] for _, fields, _ in (plain, stream, native)))
        assert [call["api"] for call in calls] == ["chat", "chat", "messages"]
        for call in calls:
            assert (call["model"], call["outcome"], call["not_understood"]) == ("mocked", "completed", None)
            assert call["answer_ids"]


async def _speaks(host: Host) -> str:
    async with connect(f"{host.url.replace('http', 'ws')}/v1/realtime") as socket:
        assert socket.response is not None
        await socket.send('{"type": "response.create"}')
        assert await socket.recv() == '{"type": "response.create"}'
        return socket.response.headers["x-trace-id"]


def _is_up(host: Host) -> bool:
    with contextlib.suppress(OSError):
        return host.ask("/v1/models")[0] in (200, 401)
    return False


@contextlib.contextmanager
def _running(program: list[str], environ: dict[str, str], directory: Path) -> Generator[subprocess.Popen[bytes]]:
    with subprocess.Popen(program, env=environ, cwd=directory) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
