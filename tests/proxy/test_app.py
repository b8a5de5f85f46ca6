"""The public app: each request goes where it belongs, and all of it is observed."""

import contextlib
from collections.abc import AsyncGenerator

import pytest

from backtalk.app import PublicApp
from backtalk.clock import now
from backtalk.model.feedback_token import TokenReader
from backtalk.model.meter import NoMeter
from backtalk.settings import RelaySettings, Settings
from backtalk.testing.raw_client import RawClient
from backtalk.testing.raw_upstream import Conversation, RawRequest, RawUpstream, answering
from backtalk.testing.running import FrameList, error_of, nobody, relaying, serving
from backtalk.testing.waiting import await_until
from backtalk.web.feedback_request import Answer, FeedbackRequest

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


async def door(request: FeedbackRequest) -> Answer:
    """Stands where feedback is taken; answers with the path."""
    return Answer(202, request.path.encode(), [])


@contextlib.asynccontextmanager
async def running(frames: FrameList) -> AsyncGenerator[tuple[RawUpstream, RawClient]]:
    """The app before an upstream, and a client."""
    async with RawUpstream(answering(OK)).listening() as upstream:
        settings = Settings(upstream=upstream.url)
        app = PublicApp(settings, feedback_door=door, sink=frames, secret=b"s" * 32, metrics=NoMeter())
        async with serving(app, calls=app.calls) as port, await RawClient.to(port) as client:
            yield upstream, client


@pytest.mark.anyio
async def test_the_model_api_goes_through_the_relay() -> None:
    """A path under /v1/ is a call: it reaches the upstream and leaves its frames."""
    frames = FrameList()
    async with running(frames) as (upstream, client):
        response = await client.request("POST", "/v1/chat/completions", b"{}")
        assert (response.status, response.body) == (200, b"{}")
        assert [request.line for request in upstream.requests] == [b"POST /v1/chat/completions HTTP/1.1"]
        assert (await frames.ended()).outcome == "completed"


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/v1/feedback", "/v1/feedback/1", "/v1/feedbacks", "/feedback/btf_x"])
async def test_feedback_has_its_own_door(path: str) -> None:
    """It is no call: the upstream never sees it, and it leaves no frames of one; but it has its ids."""
    frames = FrameList()
    async with running(frames) as (upstream, client):
        response = await client.request("POST", path, b"{}")
        assert (response.status, response.body.decode()) == (202, path)
        assert response.value("x-trace-id")
        assert (upstream.requests, frames.frames) == ([], [])


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/", "/v1", "/v2/chat", "/healthz"])
async def test_elsewhere_there_is_nothing(path: str) -> None:
    """The answer is an error in OpenAI's shape that says where the model API is."""
    async with running(FrameList()) as (upstream, client):
        response = await client.request("GET", path)
        error = error_of(response)
        assert (response.status, error["code"]) == (404, "unknown_url")
        assert "/v1/" in error["message"]
        assert upstream.requests == []


@pytest.mark.anyio
async def test_the_upstream_client_lives_as_long_as_the_server() -> None:
    """Its connections are kept between calls and closed at the end."""
    conversations: list[Conversation] = []

    async def remembering(conversation: Conversation, _request: RawRequest) -> None:
        conversations.append(conversation)
        await conversation.say(OK)

    async def closed() -> bool:
        return all(conversation.reader.at_eof() for conversation in conversations)

    async with RawUpstream(remembering).listening() as upstream:
        settings = Settings(upstream=upstream.url, relay=RelaySettings(keep_alive_s=3600))
        app = PublicApp(settings, feedback_door=nobody, sink=FrameList(), secret=b"s" * 32, metrics=NoMeter())
        assert app.calls("/v1/models") is None, "nobody answers calls outside of the app's life"
        for life in (1, 2):
            async with serving(app, calls=app.calls) as port, await RawClient.to(port) as client:
                for _ in range(3):
                    assert (await client.request("GET", "/v1/models")).status == 200
                assert not await closed()
            assert upstream.connections == life
            await await_until(closed, 20, what="the end of the upstream connections")


_STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n6\r\ndata:1\r\n0\r\n\r\n"
)
_FAILED = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\nx-feedback-token: theirs\r\n\r\n{}"


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [OK, _STREAM, _FAILED, b"no HTTP\r\n\r\n"], ids=["whole", "stream", "500", "502"])
async def test_every_call_brings_the_token_of_its_answer(answer: bytes) -> None:
    """Switched on: whole answers, streams, the upstream's errors and ours, each with the one token of that call."""
    tokens = {"tokens": {"enabled": True, "kinds": ["rating"], "ttl_s": 60}}
    frames = FrameList()
    async with relaying(answering(answer), frames, feedback=tokens) as (_, client):
        response = await client.request("POST", "/v1/chat/completions", b"{}", fields=(("authorization", "Bearer k"),))
        await frames.ended()
    (token,) = response.values("x-feedback-token")
    claims = TokenReader(b"s" * 32, key_number=0).read(token, now().wall_ns)
    assert claims.call.request_id == response.value("x-request-id")
    assert claims.tenant == frames.opened[0].tenant
    assert claims.kinds == frozenset({"rating"})
    assert not any(token.encode() in raw for raw in frames.raw), "a token is a credential: it is recorded nowhere"


@pytest.mark.anyio
async def test_there_are_no_tokens_until_they_are_switched_on() -> None:
    """And the upstream's header passes like any other."""
    async with relaying(answering(_FAILED)) as (_, client):
        response = await client.request("POST", "/v1/chat/completions", b"{}")
    assert response.values("x-feedback-token") == ["theirs"]
