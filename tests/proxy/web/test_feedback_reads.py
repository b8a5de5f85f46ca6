"""Reading on the public listener: what the admin process is asked, and within which bounds."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from urllib.parse import parse_qs, urlsplit

import pytest

from backtalk.clock import now
from backtalk.observe.tenants import Tenants
from backtalk.testing.doors import SECRET, TENANT, Kept, ask, feedback_door, token

ID = "a" * 32


@contextlib.asynccontextmanager
async def admin(asked: list[str]) -> AsyncGenerator[int]:
    """An admin listener that answers everything with an empty object, and remembers what it was asked."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b" ")[1].decode())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.anyio
async def test_the_tenant_is_that_of_the_credential() -> None:
    """Whatever the query says; a parameter of that name is none."""
    asked: list[str] = []
    async with admin(asked) as port:
        door = feedback_door(Kept(), admin_port=port)
        key = {"authorization": "Bearer k"}
        found = await ask(door, method="GET", query="session_id=a%26tenant%3Db&limit=5", **key)
        one = await ask(door, method="GET", path=f"/v1/feedback/{ID}", **key)
        claimed = await ask(door, method="GET", query=f"feedback_id={ID}&tenant=other", **key)
    assert (found.status, one.status, found.json) == (200, 200, {})
    assert (claimed.status, claimed.code) == (400, "unknown_parameter")
    tenant = Tenants(SECRET).of_credential(b"Bearer k")
    assert parse_qs(urlsplit(asked[0]).query) == {"session_id": ["a&tenant=b"], "limit": ["5"], "tenant": [tenant]}
    assert asked[1:] == [f"/v1/feedback/{ID}?tenant={tenant}"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "bad_parameter"),
        ("trace_id=1&session_id=2", "bad_parameter"),
        ("trace_id=1&trace_id=2", "unknown_parameter"),
        ("feedback_id=no", "bad_feedback_id"),
        (f"session_id={'x' * 300}", "bad_parameter"),
        ("&".join(f"a{n}=1" for n in range(20)), "bad_parameter"),
        ("trace_id=%ff", "bad_parameter"),
    ],
)
async def test_what_cannot_be_asked_is_refused_here(query: str, code: str) -> None:
    """The admin process is not even asked (there is none)."""
    told = await ask(feedback_door(Kept()), method="GET", query=query, authorization="Bearer k")
    assert (told.status, told.code) == (400, code)


@pytest.mark.anyio
async def test_a_token_reads_what_it_gave_and_nothing_else() -> None:
    """Not what others said of its own call either."""
    asked: list[str] = []
    async with admin(asked) as port:
        door = feedback_door(Kept(), admin_port=port)
        good = token(now_ns=now().wall_ns)
        given = await ask(door, b'{"kind": "rating", "value": true}', x_feedback_token=good)
        own = given.json["feedback_id"]
        mine = await ask(door, method="GET", path=f"/v1/feedback/{own}", x_feedback_token=good)
        found = await ask(door, method="GET", query=f"feedback_id={own}", x_feedback_token=good)
        foreign = await ask(door, method="GET", path=f"/v1/feedback/{ID}", x_feedback_token=good)
        trace = await ask(door, method="GET", query="trace_id=4bf92f3577b34da6a3ce929d0e0e4736", x_feedback_token=good)
    assert (mine.status, found.status, foreign.status, trace.status) == (200, 200, 403, 403)
    assert (foreign.code, trace.code) == ("token_scope", "token_scope")
    assert asked == [f"/v1/feedback/{own}?tenant={TENANT}", f"/v1/feedback?feedback_id={own}&tenant={TENANT}"]


@pytest.mark.anyio
async def test_without_the_admin_process_reads_are_503_and_feedback_is_taken() -> None:
    """Nothing listens on port 1."""
    door = feedback_door(Kept())
    told = await ask(door, method="GET", path=f"/v1/feedback/{ID}", authorization="Bearer k")
    assert (told.status, told.code, told.headers["retry-after"]) == (503, "reads_unavailable", "1")
    given = await ask(door, b'{"kind": "rating", "value": true, "request_id": "x"}')
    assert given.status == 400
