"""Time limits, uploads, and clients that leave, seen through the whole proxy."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

import pytest

from backtalk.model.exchange import ClientExchange
from backtalk.relay.upstream import UpstreamExchange
from backtalk.relay.watch import Watcher
from backtalk.settings import RelaySettings
from backtalk.testing.raw_client import request_bytes
from backtalk.testing.raw_upstream import Conversation, RawRequest, answering
from backtalk.testing.running import FrameList, error_of, relaying

CHAT = "/v1/chat/completions"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
QUICK = {"connect_timeout_s": 2.0, "idle_timeout_s": 0.3, "total_timeout_s": 5.0}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.mark.anyio
async def test_a_silent_upstream_is_a_504_and_its_connection_is_closed() -> None:
    """No byte within the idle limit, before the head."""
    gone = asyncio.Event()

    async def silent(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.until_closed()
        gone.set()

    frames = FrameList()
    async with relaying(silent, frames, relay=QUICK) as (_, client):
        response = await client.request("POST", CHAT, b"{}")
        assert (response.status, error_of(response)["code"]) == (504, "upstream_timeout")
        assert (await frames.ended()).outcome == "upstream_timeout"
        async with asyncio.timeout(2):
            await gone.wait()


@pytest.mark.anyio
async def test_a_stream_that_falls_silent_is_cut() -> None:
    """Silence between pieces counts as well."""

    async def stalls(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        await conversation.until_closed()

    frames = FrameList()
    async with relaying(stalls, frames, relay=QUICK) as (_, client):
        response = await client.request("POST", CHAT, b"{}")
        assert (response.body, response.complete) == (b"x", False)
        assert (await frames.ended()).outcome == "upstream_timeout"


@pytest.mark.anyio
async def test_a_stream_that_never_ends_is_cut() -> None:
    """A call that is busy all the time still ends at the total limit."""

    async def babbles(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not conversation.writer.is_closing():
                await conversation.say(b"1\r\nx\r\n")
                await asyncio.sleep(0)

    frames = FrameList()
    async with relaying(babbles, frames, relay={**QUICK, "total_timeout_s": 0.4}) as (_, client):
        response = await client.request("POST", CHAT, b"{}")
        assert not response.complete
        assert (await frames.ended()).outcome == "upstream_timeout"


@pytest.mark.anyio
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n"])
async def test_a_client_that_leaves_cancels_the_upstream(said: bytes) -> None:
    """Before the first byte or in the middle of a stream: the upstream's connection closes within a second."""
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def waits(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(said)
        arrived.set()
        await conversation.until_closed()
        gone.set()

    frames = FrameList()
    async with relaying(waits, frames) as (_, client):
        client.send(request_bytes("POST", CHAT, b"{}"))
        if said:
            await client.response(head_only=True)
        async with asyncio.timeout(1):
            await arrived.wait()
            client.close()
            await gone.wait()
        closed = await frames.ended()
        assert closed.outcome == "client_disconnected"
        assert closed.body == (b"x" if said else b"")


@pytest.mark.anyio
@pytest.mark.parametrize("framing", ["content-length", "chunked"])
async def test_a_body_above_the_limit_is_refused(framing: str) -> None:
    """413 says what is allowed: by its length before it is read, by its pieces once they exceed it."""
    frames = FrameList()
    async with relaying(answering(OK), frames, relay={"body_limit_bytes": 1000}) as (upstream, client):
        if framing == "content-length":
            client.send(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n")
        else:
            client.send(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
            client.send(b"1f4\r\n%b\r\n" % (b"x" * 500) * 3)
        response = await client.response()
        assert response.status == 413
        assert "1000" in str(error_of(response)["message"])
        assert (await frames.ended()).outcome == "rejected"
        assert not upstream.requests


@pytest.mark.anyio
async def test_an_upload_streams_and_an_early_answer_is_heard() -> None:
    """The upstream may answer before the body is complete; its connection is not used again."""
    answer = b"HTTP/1.1 400 Bad\r\ncontent-length: 3\r\n\r\nbad"
    async with relaying(answering(answer), before_body=True) as (upstream, client):
        client.send(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf")
        response = await client.response()
        assert (response.status, response.body) == (400, b"bad")
        client.send(b"x" * 96, request_bytes("POST", CHAT, b""))
        assert (await client.response()).status == 400
        assert upstream.connections == 2


class _Upload:
    """A client that sends a piece, and then nothing; and the exchange that its body goes to."""

    def __init__(self) -> None:
        self.silent_since: float | None = 0.0
        self.waiting = True
        self.errors: list[Exception] = []
        self.written = asyncio.Event()

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Nobody leaves."""
        del callback

    async def receive(self) -> tuple[bytes, bool]:
        """One piece."""
        if self.written.is_set():
            await asyncio.Event().wait()
        return b"piece", True

    async def write(self, piece: bytes, *, more: bool) -> None:
        """It is taken at once."""
        del piece, more
        self.written.set()

    def fail(self, error: Exception) -> None:
        """Remember it."""
        self.errors.append(error)


@pytest.mark.anyio
async def test_an_upstream_that_is_still_being_sent_to_is_not_silent() -> None:
    """It need not answer before it has the whole body, however long that takes; its silence counts from then on."""
    watcher, upload = Watcher(RelaySettings(idle_timeout_s=100.0)), _Upload()
    watch = watcher.start(cast("ClientExchange", upload), size=0, uploading=True)
    watch.attach(cast("UpstreamExchange", upload))
    await upload.written.wait()
    await asyncio.sleep(0)
    now = watcher.loop.time()
    upload.silent_since = now - 1000.0
    watch.check(now + 99.0)
    assert upload.errors == []
    watch.check(now + 101.0)
    assert len(upload.errors) == 1
    watch.stop()
    await watcher.aclose()
