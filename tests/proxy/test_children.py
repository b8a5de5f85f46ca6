"""The children of `serve` as processes: they say when they are ready, end in order, and lose nothing on the way."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from backtalk.children import WithLife, alive
from backtalk.listeners import bind, url_of
from backtalk.model.asgi import App, Receive, Scope, Send
from backtalk.model.frames import Closed, Feedback, Heartbeat, Opened
from backtalk.process import is_locked
from backtalk.settings import Settings, SpoolSettings, WebSettings, environ_for
from backtalk.spool import Intake
from backtalk.telemetry import read_all
from backtalk.testing.running import not_here, serving
from backtalk.testing.waiting import wait_until


class Child:
    """A running child and what its parent holds of it."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str, lifeline: int, ready: int) -> None:
        self.process = process
        self.url = url
        self.lifeline = lifeline
        self._ready = ready

    def wait_ready(self) -> None:
        """Until it says that it does its work."""
        assert os.read(self._ready, 1) == b"r"


@contextlib.contextmanager
def child(
    kind: str,
    data_dir: Path,
    *,
    listens: bool = True,
    web: WebSettings = WebSettings(),  # noqa: B008 -- frozen
) -> Generator[Child]:
    """Start a child as its supervisor does."""
    spool = SpoolSettings(flush_ms=600_000.0)  # what a call wrote comes with an acknowledgement, or at the end
    settings = Settings(data_dir=data_dir, upstream="http://127.0.0.1:9/v1", spool=spool, web=web)
    lifeline_read, lifeline = os.pipe()
    ready, ready_write = os.pipe()
    with bind("127.0.0.1", 0, "port") as listener:
        fds = [lifeline_read, ready_write, *([listener.fileno()] if listens else [])]
        words = [sys.executable, "-m", "backtalk", "_child", kind, *map(str, fds)]
        process = subprocess.Popen(words, env=environ_for(settings), pass_fds=fds, stderr=subprocess.PIPE)
        os.close(lifeline_read)
        os.close(ready_write)
        try:
            yield Child(process, url_of(listener), lifeline, ready)
        finally:
            process.kill()
            process.communicate(timeout=20)
            os.close(ready)
            with contextlib.suppress(OSError):
                os.close(lifeline)


def ask(request: urllib.request.Request) -> tuple[int, bytes]:
    """Status and body."""
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- our own address
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def thumb(url: str) -> urllib.request.Request:
    """A thumb down."""
    body = json.dumps({"kind": "rating", "value": False, "trace_id": "a" * 32}).encode()
    return urllib.request.Request(  # noqa: S310 -- our own address
        f"{url}/v1/feedback", body, {"content-type": "application/json", "authorization": "Bearer sk-1"}
    )


def test_a_proxy_ends_in_order_and_what_it_acknowledged_is_there(tmp_path: Path) -> None:
    """After SIGTERM the status is 0, the spool is whole and a dead owner's, and the figures are written."""
    with child("proxy", tmp_path) as proxy:
        proxy.wait_ready()
        assert ask(thumb(proxy.url))[0] == 202
        (spool,) = (tmp_path / "spool").iterdir()
        assert is_locked(spool / "lock")
        assert ask(urllib.request.Request(f"{proxy.url}/v1/models"))[0] == 502  # noqa: S310 -- our own address
        proxy.process.send_signal(signal.SIGTERM)
        assert proxy.process.wait(20) == 0
    assert not is_locked(spool / "lock")
    intake = Intake(tmp_path / "spool", {})
    frames = [type(taken.frame) for taken in intake.poll(100) if not isinstance(taken.frame, Heartbeat)]
    assert frames == [Feedback, Opened, Closed]
    intake.close()
    assert read_all(tmp_path / "metrics").value("backtalk.spool.syncs") >= 1


def test_an_admin_answers_its_token_alone(tmp_path: Path) -> None:
    """The token is made once and kept in the data directory."""
    with child("admin", tmp_path) as admin:
        admin.wait_ready()
        token = (tmp_path / "admin-token").read_text(encoding="ascii").strip()
        url = f"{admin.url}/v1/traces"
        assert ask(urllib.request.Request(url))[0] == 401  # noqa: S310 -- our own address
        headers = {"authorization": f"Bearer {token}"}
        assert ask(urllib.request.Request(url, headers=headers))[0] == 200  # noqa: S310 -- our own address
        admin.process.send_signal(signal.SIGTERM)
        assert admin.process.wait(20) == 0


def test_an_admin_on_loopback_is_asked_for_by_its_own_name(tmp_path: Path) -> None:
    """A name that a site points at it is refused, before its token is looked at; the listener has ids for it too."""
    with child("admin", tmp_path) as admin:
        admin.wait_ready()
        request = urllib.request.Request(f"{admin.url}/healthz", headers={"host": "evil.example"})  # noqa: S310 -- our own address
        status, body = ask(request)
        assert (status, json.loads(body)["error"]["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize("kind", ["proxy", "admin"])
def test_clients_above_the_limit_are_refused_and_published(tmp_path: Path, kind: str) -> None:
    """Each listening process counts them, and says its figures where `/metrics` reads them."""
    with child(kind, tmp_path, web=WebSettings(max_connections=1)) as running:
        running.wait_ready()
        host, port = running.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as first:
            first.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert first.recv(100).startswith(b"HTTP/1.1 ")
            with socket.create_connection((host, int(port)), timeout=20) as second:
                assert second.recv(100).startswith(b"HTTP/1.1 503 ")
            wait_until(
                lambda: read_all(tmp_path / "metrics").value("backtalk.web.connections_refused") == 1,
                what="the figure",
            )


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """The pipe that the parent holds is its life."""
    with child("proxy", tmp_path) as proxy:
        proxy.wait_ready()
        os.close(proxy.lifeline)
        assert proxy.process.wait(20) == -signal.SIGKILL


@pytest.mark.parametrize("kind", ["proxy", "admin"])
def test_a_listening_child_without_a_socket_says_so(tmp_path: Path, kind: str) -> None:
    """The status tells the supervisor that starting it again is of no use."""
    with child(kind, tmp_path, listens=False) as started:
        _, said = started.process.communicate(timeout=20)
        assert started.process.returncode == 2
        assert b"needs its socket" in said


@pytest.mark.anyio
async def test_parts_are_open_before_the_child_is_ready_and_closed_after_its_last_request() -> None:
    """What opened last closes first."""
    told: list[str] = []

    @contextlib.asynccontextmanager
    async def opened() -> AsyncGenerator[App]:
        told.append("open")
        yield not_here
        told.append("close")

    def ready() -> None:
        told.append("ready")

    app = WithLife(opened, ready)
    async with serving(app) as port:
        assert told == ["open", "ready"]
        status, _ = await asyncio.to_thread(ask, urllib.request.Request(f"http://127.0.0.1:{port}/"))
        assert status == 404
    assert told == ["open", "ready", "close"]


@pytest.mark.anyio
async def test_an_inner_app_lives_within_its_host() -> None:
    """It has started before the block, and has ended behind it."""
    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(2):
            event = (await receive())["type"]
            told.append(f"{scope['type']} {event}")
            await send({"type": f"{event}.complete"})

    async with alive(app):
        assert told == ["lifespan lifespan.startup"]
    assert told == ["lifespan lifespan.startup", "lifespan lifespan.shutdown"]


@pytest.mark.anyio
async def test_an_inner_app_that_cannot_start_ends_the_start() -> None:
    """Its error is the host's; nothing waits for a start that will not come."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, send
        await receive()
        raise RuntimeError("no database")

    begun: list[bool] = []
    with pytest.raises(RuntimeError, match="no database"):
        async with alive(app):
            begun.append(True)
    assert begun == []


def test_a_worker_says_nothing_and_works(tmp_path: Path) -> None:
    """It needs no socket; its journal appears, and it ends in order."""
    with child("worker", tmp_path, listens=False) as worker:
        wait_until((tmp_path / "journal" / "id").exists, 20, what="the journal")
        wait_until((tmp_path / "metrics").is_dir, 20, what="its figures")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(20) == 0


def test_the_listener_outlives_a_child(tmp_path: Path) -> None:
    """It is the parent's, so no connection is refused between two lives."""
    with child("proxy", tmp_path) as proxy:
        proxy.wait_ready()
        host, port = proxy.url.removeprefix("http://").split(":")
        proxy.process.kill()
        proxy.process.wait()
        socket.create_connection((host, int(port)), timeout=20).close()


def test_a_proxy_without_feedback_loads_no_models_of_it() -> None:
    """They come with the first feedback: they take time at the start, and memory for good."""
    code = "import sys, backtalk.children; print('backtalk.feedback.kinds' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
