"""Calls of pages, by literal requests through the real proxy."""

import pytest

from backtalk.testing.raw_upstream import answering
from backtalk.testing.running import FrameList, relaying

APP = "https://app.example"
PATH = "/v1/chat/completions"
THEIRS = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\naccess-control-allow-origin: *\r\n"
    b"access-control-allow-credentials: true\r\nvary: Accept\r\n\r\n{}"
)
ASKS = (("Origin", APP), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization"))
ALLOWED = {"allowed_origins": [APP]}


@pytest.mark.anyio
async def test_an_allowed_page_reads_its_ids_and_the_upstreams_word_on_pages_is_dropped() -> None:
    """One value of each field, the page's own origin, and no cookies."""
    async with relaying(answering(THEIRS), web=ALLOWED) as (_, client):
        answer = await client.request("POST", PATH, b"{}", fields=(("Origin", APP),))
    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.values("access-control-allow-origin") == [APP]
    assert "x-trace-id" in str(answer.value("access-control-expose-headers"))
    assert answer.values("access-control-allow-credentials") == []
    assert answer.values("vary") == ["Accept", "Origin"]
    assert answer.value("x-trace-id")


@pytest.mark.anyio
async def test_the_question_before_a_call_is_no_call() -> None:
    """It is answered here: the upstream does not see it, nothing is recorded, and it has ids all the same."""
    frames = FrameList()
    async with relaying(answering(THEIRS), frames, web=ALLOWED) as (upstream, client):
        told = await client.request("OPTIONS", PATH, fields=ASKS)
    assert (told.status, told.value("access-control-allow-origin")) == (204, APP)
    assert told.value("access-control-allow-headers") == "authorization"
    assert told.value("x-trace-id")
    assert (upstream.requests, frames.frames) == ([], [])


@pytest.mark.anyio
async def test_a_failure_can_be_read_by_the_page_too() -> None:
    """An error of ours has the same fields as an answer."""
    async with relaying(answering(b"none\r\n\r\n"), web=ALLOWED) as (_, client):
        answer = await client.request("POST", PATH, b"{}", fields=(("Origin", APP),))
    assert answer.status == 502
    assert answer.value("access-control-allow-origin") == APP


@pytest.mark.anyio
@pytest.mark.parametrize("fields", [(), (("Origin", "https://other.example"),), (("Origin", "null"),)])
async def test_all_others_pass_as_they_did(fields: tuple[tuple[str, str], ...]) -> None:
    """What the upstream says is passed on; nothing is added."""
    async with relaying(answering(THEIRS), web=ALLOWED) as (_, client):
        answer = await client.request("POST", PATH, b"{}", fields=fields)
    assert answer.values("access-control-allow-origin") == ["*"]
    assert answer.values("vary") == ["Accept"]
