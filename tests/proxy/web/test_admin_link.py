"""Asking the admin process: answers, and every way in which there is none."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from backtalk.errors import StoreError
from backtalk.web.admin_link import MOST_ASKING, AdminLink

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def admin(talk: Talk, *, timeout_s: float = 5.0) -> AsyncGenerator[AdminLink]:
    """A listener that talks like this, and the link to it."""

    async def talking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(talking, "127.0.0.1", 0)
    async with server:
        yield AdminLink("127.0.0.1", server.sockets[0].getsockname()[1], "secret", timeout_s=timeout_s)


def saying(*pieces: bytes) -> Talk:
    """A listener that reads a head, says this, and closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)

    return talk


@pytest.mark.anyio
async def test_the_answer_is_passed_on() -> None:
    """The question carries the token and its parameters, escaped."""
    async with admin(saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n", b"gone")) as link:
        assert await link.get("/v1/feedback") == (404, b"gone")

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(head) + head)

    async with admin(echo) as link:
        told = await link.get("/v1/feedback", session_id="a b\r\nx: 1&tenant=other")
    assert told.body.startswith(b"GET /v1/feedback?session_id=a+b%0D%0Ax%3A+1%26tenant%3Dother HTTP/1.1\r\n")
    assert b"authorization: Bearer secret\r\n" in told.body


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"x" * 200_000,
    ],
)
async def test_an_answer_that_is_none_is_a_503(answer: bytes) -> None:
    """Cut off, endless, unframed: nothing of it is believed, and nothing hangs."""
    async with admin(saying(answer)) as link:
        with pytest.raises(StoreError) as error:
            await link.get("/v1/feedback")
    assert (error.value.status, error.value.code) == (503, "reads_unavailable")


@pytest.mark.anyio
async def test_nobody_there_is_a_503() -> None:
    """A port where nothing listens."""
    async with admin(saying(b"")) as link:
        pass
    with pytest.raises(StoreError, match="nothing of it is lost"):
        await link.get("/v1/feedback")


@pytest.mark.anyio
async def test_silence_and_crowds_are_bounded() -> None:
    """Who gets no answer waits no longer than the time that is set; who comes when many wait is told so at once."""
    ending = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await ending.wait()

    async with admin(silent, timeout_s=0.3) as link:
        asking = (link.get("/v1/feedback") for _ in range(MOST_ASKING + 1))
        found = await asyncio.gather(*asking, return_exceptions=True)
        ending.set()
    codes = [error.code for error in found if isinstance(error, StoreError)]
    assert codes == ["reads_unavailable"] * MOST_ASKING + ["reads_busy"]


def test_an_admin_listener_on_every_address_is_asked_on_loopback() -> None:
    """The token never leaves the machine."""
    assert AdminLink("0.0.0.0", 1, "t", timeout_s=1).host == "127.0.0.1"  # noqa: S104 -- an address, not bound
    assert AdminLink("::", 1, "t", timeout_s=1).host == "::1"
