"""`GET /v1/models` in front of several targets."""

import json

import pytest

from backtalk.relay.model_list import merged
from backtalk.testing.raw_client import RawClient
from backtalk.testing.raw_upstream import answering
from backtalk.testing.running import FrameList, proxying, routing

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
OURS = {"id": "m", "object": "model", "created": 0, "owned_by": "backtalk"}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


def test_the_upstreams_entries_come_first_and_stay() -> None:
    """Names that the upstream has are not doubled, unknown fields stay."""
    body = b'{"object":"list","data":[{"id":"x","n":1.0,"o":{"p":[]}},{"id":"y"}],"has_more":false}'
    assert json.loads(merged(body, ["y", "m"]))["data"] == [{"id": "x", "n": 1.0, "o": {"p": []}}, {"id": "y"}, OURS]
    assert b'{"id":"x","n":1.0,"o":{"p":[]}}' in merged(body, ["m"])


@pytest.mark.parametrize("body", [b"", b"nope", b"[]", b'{"data":[{"no":"id"}]}', b'{"data":{}}', b"[" * 100_000])
def test_what_is_no_list_is_left_out(body: bytes) -> None:
    """Then the routes' own models are all there is to say."""
    assert json.loads(merged(body, ["m"])) == {"object": "list", "data": [OURS]}


@pytest.mark.anyio
async def test_the_list_has_the_upstreams_models_and_the_routes() -> None:
    """Through the server: asked of the upstream unencoded, answered as one list, recorded as a call."""
    body = b'{"object":"list","data":[{"id":"x"}]}'
    frames = FrameList()
    async with routing({"a": answering(OK)}, frames=frames) as (upstreams, client):
        said = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        upstreams["default"].script = answering(said)
        response = await client.request("GET", "/v1/models", b"", fields=(("accept-encoding", "gzip"),))
        assert [model["id"] for model in json.loads(response.body)["data"]] == ["x", "m"]
        assert not upstreams["default"].requests[0].values(b"accept-encoding")
        assert not upstreams["a"].requests
        assert (await frames.ended()).outcome == "completed"


@pytest.mark.anyio
async def test_the_routes_are_listed_where_the_upstream_is_away() -> None:
    """A list of what can be asked is better than an error about what cannot."""
    away = "http://127.0.0.1:1/v1"
    routed = proxying(away, targets={"a": {"url": away}}, routes={"m": {"targets": ["a"]}})
    async with routed as port, await RawClient.to(port) as client:
        response = await client.request("GET", "/v1/models", b"")
        assert (response.status, json.loads(response.body)["data"]) == (200, [OURS])
