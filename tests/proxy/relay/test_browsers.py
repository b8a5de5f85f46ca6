"""Pages of other sites do not spend our keys; programs, allowed pages and virtual keys do."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from backtalk.app import PublicApp
from backtalk.model.meter import NoMeter
from backtalk.model.notes import CallNotes
from backtalk.relay.browsers import from_programs
from backtalk.relay.lane import Lane
from backtalk.settings import Settings
from backtalk.testing.exchange import HandExchange
from backtalk.testing.raw_client import RawClient
from backtalk.testing.raw_upstream import RawUpstream, answering
from backtalk.testing.running import FrameList, error_of, nobody, serving

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
KEY = {"upstream_api_key": "sk-ours"}
REBOUND = b"POST /v1/chat/completions HTTP/1.1\r\nhost: evil.example:8080\r\ncontent-length: 2\r\n\r\n{}"


@contextlib.asynccontextmanager
async def proxy(**settings: Any) -> AsyncGenerator[tuple[RawUpstream, RawClient, FrameList]]:
    """The public app before an upstream, and a client."""
    frames = FrameList()
    async with RawUpstream(answering(OK)).listening() as upstream:
        tree = Settings.model_validate({"upstream": upstream.url, **settings})
        app = PublicApp(tree, feedback_door=nobody, sink=frames, secret=b"s" * 32, metrics=NoMeter())
        async with serving(app, calls=app.calls) as port, await RawClient.to(port) as client:
            yield upstream, client, frames


@pytest.mark.anyio
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://localhost:1"]
)
async def test_a_page_of_another_site_is_refused(origin: str) -> None:
    """The answer names the setting, has its ids, and nothing reaches the upstream."""
    async with proxy(**KEY) as (upstream, client, frames):
        for _ in range(2):
            refused = await client.request("POST", "/v1/chat/completions", b"{}", fields=(("origin", origin),))
            assert (refused.status, error_of(refused)["code"]) == (403, "origin_not_allowed")
            assert "web.allowed_origins" in error_of(refused)["message"]
            assert refused.value("x-request-id")
        assert upstream.requests == []
        assert (await frames.ended(2)).outcome == "rejected"


@pytest.mark.anyio
@pytest.mark.parametrize("origin", [None, "http://localhost", "https://localhost", "https://app.example"])
async def test_programs_and_allowed_pages_pass(origin: str | None) -> None:
    """Without an origin, of the same one, or of one that was allowed; more than once on one connection."""
    fields = () if origin is None else (("origin", origin),)
    async with proxy(**KEY, web={"allowed_origins": ["https://App.example/"]}) as (upstream, client, _):
        for _ in range(3):
            assert (await client.request("POST", "/v1/chat/completions", b"{}", fields=fields)).status == 200
        assert len(upstream.requests) == 3


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("settings", "status"),
    [
        (KEY, 403),
        (KEY | {"web": {"allowed_hosts": ["evil.example"]}}, 200),
        (KEY | {"host": "::"}, 200),
        ({}, 200),
    ],
)
async def test_on_loopback_only_names_of_this_machine_are_answered(settings: dict[str, Any], status: int) -> None:
    """A name that a site points here is refused where a key of ours would pay; on other addresses any name is ours."""
    async with proxy(**settings) as (_, client, _frames):
        client.send(REBOUND)
        response = await client.response()
        assert response.status == status
        if status == 403:
            assert error_of(response)["code"] == "host_not_allowed"
            assert "web.allowed_hosts" in error_of(response)["message"]


@pytest.mark.anyio
async def test_a_virtual_key_shows_that_a_page_is_meant_to_come() -> None:
    """Whoever hands a key to a page has decided."""
    passed: list[str] = []

    async def lane(_client: object, notes: CallNotes) -> None:
        passed.append(notes.key_id)

    notes = CallNotes("", "")
    notes.key_id = "key"
    page = HandExchange(fields=[(b"host", b"localhost"), (b"origin", b"https://evil.example")])
    await from_programs(lane, Settings.model_validate(KEY))(page, notes)
    assert passed == ["key"]


@pytest.mark.parametrize(
    ("target", "guarded"),
    [
        ({"url": "http://a"}, False),
        ({"url": "http://a", "api_key_env": "A_KEY"}, True),
        ({"url": "http://a", "api_key_file": "/a"}, True),
        ({"lane": "litellm"}, True),
    ],
)
def test_a_lane_is_guarded_where_a_key_of_ours_may_pay(target: dict[str, str], guarded: bool) -> None:
    """A client that pays itself is not asked where it comes from, and nothing is added to its way."""

    async def lane(_client: object, _notes: CallNotes) -> None:
        """Do nothing."""

    inner: Lane = lane
    tree = Settings.model_validate({"targets": {"a": target}})
    assert (from_programs(inner, tree) is not inner) is guarded
