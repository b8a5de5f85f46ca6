"""The script for pages, as browsers and caches get it from the real server."""

import contextlib
import gzip
from collections.abc import AsyncGenerator

import pytest

from backtalk.app import PublicApp
from backtalk.model.meter import NoMeter
from backtalk.settings import Settings
from backtalk.testing.raw_client import RawClient
from backtalk.testing.running import FrameList, error_of, serving
from backtalk.web.feedback_request import Answer, FeedbackRequest
from backtalk.web.script import SOURCE

MOST_BYTES = 20_000
MOST_COMPRESSED_BYTES = 7_000
PAGE = ("Origin", "https://any.example")


async def _door(request: FeedbackRequest) -> Answer:
    del request
    raise AssertionError("the script is asked of nobody else")


@contextlib.asynccontextmanager
async def running() -> AsyncGenerator[RawClient]:
    """The public listener as it is by default, and a client."""
    app = PublicApp(Settings(), feedback_door=_door, sink=FrameList(), secret=b"s" * 32, metrics=NoMeter())
    async with serving(app, calls=app.calls) as port, await RawClient.to(port) as client:
        yield client


@pytest.mark.anyio
async def test_any_page_may_load_it() -> None:
    """It is the file in the tree, and says that every origin may have it and for how long."""
    async with running() as client:
        answer = await client.request("GET", "/feedback.js", fields=(PAGE,))
    assert (answer.status, answer.body) == (200, SOURCE.read_bytes())
    assert answer.value("content-type") == "text/javascript; charset=utf-8"
    assert answer.value("access-control-allow-origin") == "*"
    assert answer.value("cross-origin-resource-policy") == "cross-origin"
    assert answer.value("cache-control") == "public, max-age=600"
    assert answer.value("vary") == "accept-encoding"


@pytest.mark.anyio
@pytest.mark.parametrize("coding", ["", "gzip, deflate, br"])
async def test_a_browser_that_has_it_is_told_so(coding: str) -> None:
    """Each spelling has a tag of its own; with it comes 304 without a body."""
    async with running() as client:
        asks = (("Accept-Encoding", coding),)
        first = await client.request("GET", "/feedback.js", fields=asks)
        etag = first.value("etag") or ""
        again = await client.request("GET", "/feedback.js", fields=(*asks, ("If-None-Match", f"W/{etag}, {etag}")))
        other = await client.request("GET", "/feedback.js?module", fields=(*asks, ("If-None-Match", etag)))
    assert (again.status, again.body, again.value("etag")) == (304, b"", etag)
    assert other.status == 200
    assert first.value("content-encoding") == (coding[:4] or None)
    assert (gzip.decompress(first.body) if coding else first.body) == SOURCE.read_bytes()


@pytest.mark.anyio
async def test_as_a_module_it_has_exports() -> None:
    """The same words, and what an import names behind them."""
    async with running() as client:
        answer = await client.request("GET", "/feedback.js?module")
    assert answer.body.startswith(SOURCE.read_bytes())
    assert b"export const { attach, fromResponse, distance }" in answer.body


@pytest.mark.anyio
async def test_it_is_only_read() -> None:
    """HEAD has the fields without the body; a POST is refused."""
    async with running() as client:
        post = await client.request("POST", "/feedback.js", b"{}")
        head = await client.request("HEAD", "/feedback.js", head_only=True)
    assert head.status == 200
    assert head.value("content-length") == str(len(SOURCE.read_bytes()))
    assert (post.status, post.value("allow")) == (405, "GET, HEAD")
    assert error_of(post)["code"] == "method_not_allowed"


def test_it_is_small_and_readable() -> None:
    """A few kilobytes on the wire, without a build: the lines in the tree are the lines in the browser."""
    source = SOURCE.read_bytes()
    assert len(source) < MOST_BYTES
    assert len(gzip.compress(source, 9)) < MOST_COMPRESSED_BYTES
    assert max(map(len, source.splitlines())) <= 130


@pytest.mark.parametrize(
    "word",
    [
        b"innerHTML",
        b"outerHTML",
        b"insertAdjacentHTML",
        b"document.write",
        b"eval(",
        b".style",
        b"localStorage",
        b"cookie",
    ],
)
def test_it_makes_no_markup_of_texts_and_keeps_nothing(word: bytes) -> None:
    """No way from an answer's text to markup, no style that a policy refuses, no storage to leak a token."""
    assert word not in SOURCE.read_bytes()
