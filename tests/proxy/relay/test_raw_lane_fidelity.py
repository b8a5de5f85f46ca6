"""What goes through is what would have gone directly: any request, any response, compared on both ways."""

import asyncio
import contextlib
from collections.abc import Generator
from typing import NamedTuple

import pytest
import uvloop
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backtalk.testing.raw_client import RawClient, RawResponse
from backtalk.testing.raw_upstream import Conversation, RawRequest, RawUpstream
from backtalk.testing.running import proxying

CONNECTION = frozenset(
    {b"connection", b"expect", b"host", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
    | {b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"http2-settings"}
)
"""Fields of one connection: each side has its own (RFC 9110, section 7.6.1)."""
TRACE = frozenset((b"traceparent", b"tracestate"))
"""What is added or replaced on the way to the upstream."""
ADDED = frozenset((b"x-request-id", b"x-trace-id", b"traceresponse", b"x-upstream-request-id"))
"""What is added or replaced on the way to the client."""
FRAMING = frozenset((b"content-length",))
"""How long a body is: the sides may say it differently where both say the same."""

Field = tuple[bytes, bytes]

_TOKENS = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=12).map(str.encode)
_KNOWN = (
    b"Authorization api-key X-Api-Key Cookie Set-Cookie Accept-Encoding Range ETag OpenAI-Beta anthropic-version "
    b"If-None-Match Date Server Via Content-Type"
)
_NAMES = _TOKENS.filter(lambda name: name.lower() not in CONNECTION | TRACE | ADDED | FRAMING) | st.sampled_from(
    _KNOWN.split()
)
_VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30).map(
    lambda text: text.strip(" \t\x85\xa0").encode("latin-1")
)
_FIELDS = st.lists(st.tuples(_NAMES, _VALUES), max_size=8)
_SEGMENT = st.text("abzAZ09-_~!$&'()*+,;=:@", min_size=1, max_size=8) | st.sampled_from(
    ["%20", "%C3%A9", "%2B", "a..b"]
)
_PATHS = st.lists(_SEGMENT, min_size=1, max_size=4).map(lambda parts: "/v1/" + "/".join(parts))
_QUERIES = st.text("abc=&%20;/?:@+", max_size=12).map(lambda text: text.replace("%", "%41"))
_CODING = b"Content-Encoding"
_HEALTH = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]  # a busy machine is no finding


def _target(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


class Asked(NamedTuple):
    """A request."""

    method: str
    target: str
    fields: list[Field]
    body: bytes
    chunked: bool


class Answer(NamedTuple):
    """A response."""

    status: int
    fields: list[Field]
    body: bytes
    framing: str


_ASKED = st.builds(
    Asked,
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    st.builds(_target, _PATHS, _QUERIES),
    _FIELDS,
    st.binary(max_size=2000),
    st.booleans(),
)
_ANSWERS = st.builds(
    Answer,
    st.sampled_from([200, 201, 202, 204, 206, 299, 301, 304, 400, 401, 404, 416, 418, 429, 500, 503, 529, 599]),
    _FIELDS,
    st.binary(max_size=2000),
    st.sampled_from(["length", "chunked", "close"]),
)


class Exchanged(NamedTuple):
    """One exchange as both ends saw it, without what belongs to a connection."""

    line: bytes
    sent: list[Field]
    sent_body: bytes
    status: int
    came: list[Field]
    came_body: bytes
    complete: bool


Standing = tuple[asyncio.Runner, RawUpstream, int]


@pytest.fixture
def standing() -> Generator[Standing]:
    """Upstream and proxy that stand through all examples."""
    upstream = RawUpstream(_silent)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = contextlib.AsyncExitStack()

        async def start() -> int:
            await stack.enter_async_context(upstream.listening())
            return await stack.enter_async_context(proxying(upstream.url))

        try:
            yield runner, upstream, runner.run(start())
        finally:
            runner.run(stack.aclose())


@settings(max_examples=150, suppress_health_check=_HEALTH)
@given(asked=_ASKED, answer=_ANSWERS)
@example(
    Asked("GET", "/v1/files/f/content", [(b"Range", b"bytes=2-5")], b"", False),
    Answer(206, [(b"Content-Range", b"bytes 2-5/9"), (b"Accept-Ranges", b"bytes")], b"2345", "length"),
)
@example(
    Asked("POST", "/v1/audio/transcriptions", [(b"content-type", b"multipart/form-data; boundary=b")], b"--b--", True),
    Answer(200, [(_CODING, b"br"), (b"Content-Type", b"application/json")], b"\x0b\x02\x80hello\x03", "chunked"),
)
@example(Asked("HEAD", "/v1/models", [], b"", False), Answer(200, [(b"X", b"")], b"four", "length"))
@example(
    Asked("OPTIONS", "/v1/chat/completions", [(b"Origin", b"https://app.example")], b"", False),
    Answer(204, [(b"Access-Control-Allow-Origin", b"*")], b"", "length"),
)
@example(Asked("GET", "/v1/x", [], b"a body", False), Answer(200, [], b"closes", "close"))
@example(
    Asked("POST", "/v1/x", [(_CODING, b"zstd"), (b"a", b"1"), (b"A", b"2")], b"(\xb5/\xfd", False),
    Answer(200, [(b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2")], b"", "length"),
)
def test_what_goes_through_is_what_would_have_gone_directly(standing: Standing, asked: Asked, answer: Answer) -> None:
    """Method, target, fields in their order, both bodies, status and wholeness; only what is documented differs."""
    runner, upstream, port = standing
    upstream.script = _saying(answer)

    async def both() -> tuple[Exchanged, Exchanged]:
        return await _exchange(upstream, upstream.port, asked), await _exchange(upstream, port, asked)

    direct, through = runner.run(both())
    assert through == direct


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "CONNECT"])
async def test_methods_of_no_model_api_are_refused(method: str) -> None:
    """And never reach the upstream."""
    upstream = RawUpstream(_silent)
    async with upstream.listening(), proxying(upstream.url) as port, await RawClient.to(port) as client:
        response = await client.request(method, "/v1/models" if method != "CONNECT" else "host:1")
    assert response.status >= 400
    assert upstream.requests == []


@pytest.mark.anyio
async def test_connections_are_kept_on_both_sides() -> None:
    """Many calls of one client, one after the other, need one connection to the upstream."""
    answer = Answer(200, [], b"kept", "length")
    upstream = RawUpstream(_saying(answer))
    async with upstream.listening(), proxying(upstream.url) as port, await RawClient.to(port) as client:
        for method in ("GET", "POST", "DELETE", "POST"):
            response = await client.request(method, "/v1/x")
            assert (response.body, response.keep_alive) == (b"kept", True)
    assert (len(upstream.requests), upstream.connections) == (4, 1)


async def _exchange(upstream: RawUpstream, port: int, asked: Asked) -> Exchanged:
    bodiless = asked.method == "HEAD"
    async with await RawClient.to(port) as client:
        client.send(_bytes(asked))
        response = await client.response(head_only=bodiless)
    request = upstream.requests[-1]
    return _seen(request, response, complete=response.complete or bodiless)


def _seen(request: RawRequest, response: RawResponse, *, complete: bool) -> Exchanged:
    sent = _lower(request.fields, CONNECTION | TRACE | FRAMING)
    came = _lower(response.fields, CONNECTION | ADDED)
    length = [field for field in came if field[0] == b"content-length"]
    rest = [field for field in came if field[0] != b"content-length"]
    return Exchanged(request.line, sent, request.body, response.status, rest + length, response.body, complete)


def _lower(fields: list[Field], without: frozenset[bytes]) -> list[Field]:
    return [(name.lower(), value) for name, value in fields if name.lower() not in without]


def _bytes(asked: Asked) -> bytes:
    lines = [f"{asked.method} {asked.target} HTTP/1.1".encode(), b"Host: test"]
    lines += [name + b": " + value for name, value in asked.fields]
    body = asked.body
    if asked.chunked:
        lines.append(b"Transfer-Encoding: chunked")
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    elif body or asked.method in ("POST", "PUT", "PATCH"):
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


def _saying(answer: Answer) -> "_Script":
    return _Script(answer)


class _Script:
    """Says one answer, framed as HTTP wants it for the request's method."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __call__(self, conversation: Conversation, request: RawRequest) -> None:
        answer = self._answer
        bodiless = request.line.startswith(b"HEAD ") or answer.status in (204, 304)
        lines = [b"HTTP/1.1 %d Whatever" % answer.status, *(b"%b: %b" % field for field in answer.fields)]
        framing = "length" if bodiless else answer.framing
        body = answer.body
        if framing == "length" and answer.status != 204:
            lines.append(b"Content-Length: %d" % len(body))
        elif framing == "chunked":
            lines.append(b"Transfer-Encoding: chunked")
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
        elif framing == "close":
            lines.append(b"Connection: close")
        await conversation.say(b"\r\n".join([*lines, b"", b""]), b"" if bodiless else body)
        if framing == "close":
            conversation.close()


async def _silent(conversation: Conversation, _request: RawRequest) -> None:
    await conversation.until_closed()
