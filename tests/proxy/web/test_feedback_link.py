"""Links: what the public listener answers to literal requests of people, scanners and forms."""

import contextlib
from collections.abc import AsyncGenerator

import msgspec
import pytest

from backtalk.app import PublicApp
from backtalk.clock import NS_PER_S, now
from backtalk.model import frames
from backtalk.model.meter import NoMeter
from backtalk.settings import Settings
from backtalk.testing.doors import CALL, Kept, feedback_door, token
from backtalk.testing.raw_client import RawClient
from backtalk.testing.running import FrameList, serving

FORM = ("content-type", "application/x-www-form-urlencoded")


@contextlib.asynccontextmanager
async def running(kept: Kept) -> AsyncGenerator[RawClient]:
    """The public listener, and a client."""
    app = PublicApp(
        Settings(), feedback_door=feedback_door(kept), sink=FrameList(), secret=b"s" * 32, metrics=NoMeter()
    )
    async with serving(app, calls=app.calls) as port, await RawClient.to(port) as client:
        yield client


def link(*kinds: str, age_s: int = 0) -> str:
    """An address that people are sent."""
    return f"/feedback/{token(*kinds, now_ns=now().wall_ns - age_s * NS_PER_S)}"


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("query", ["", "?value=true", "?value=true&comment=x&kind=rating"])
async def test_looking_at_a_link_records_nothing(method: str, query: str) -> None:
    """A scanner of mails, a preview of a chat, a prefetching browser: as often as they like."""
    kept = Kept()
    async with running(kept) as client:
        for _ in range(3):
            client.send(
                f"{method} {link()}{query} HTTP/1.1\r\nhost: localhost\r\nsec-purpose: prefetch\r\n\r\n".encode()
            )
            if method == "GET":
                page = await client.response()
                assert (page.status, page.complete) == (200, True)
                assert b"<form" in page.body
            else:
                head = await client.reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 ")
    assert kept.payloads == []


@pytest.mark.anyio
async def test_the_page_is_sent_with_a_strict_policy() -> None:
    """Nothing runs, nothing is loaded or framed, nothing is kept, and the address is told to nobody."""
    async with running(Kept()) as client:
        page = await client.request("GET", link())
    assert str(page.value("content-security-policy")).startswith("default-src 'none'")
    assert page.value("referrer-policy") == "no-referrer"
    assert page.value("cache-control") == "no-store"
    assert page.value("x-content-type-options") == "nosniff"
    assert page.value("x-robots-tag") == "noindex, nofollow"


@pytest.mark.anyio
async def test_the_form_records_once() -> None:
    """A press with its words is one rating of that call; `Origin: null`, as a mail's viewer sends it, is fine."""
    kept = Kept()
    async with running(kept) as client:
        said = await client.request(
            "POST", link(), b"id=n1&comment=wrong+year&value=false", fields=(FORM, ("origin", "null"))
        )
    assert said.status == 202
    assert b"Thank you" in said.body
    (payload,) = kept.payloads
    frame = frames.decode(payload)
    assert isinstance(frame, frames.Feedback)
    assert (frame.source, frame.channel) == ("end_user", "link")
    assert msgspec.json.decode(frame.body) == {
        "kind": "rating",
        "value": False,
        "comment": "wrong year",
        "trace_id": CALL.trace_id,
        "span_id": CALL.span_id,
    }


@pytest.mark.anyio
async def test_a_link_that_is_not_good_says_why() -> None:
    """Forged, expired, or of a kind that it does not allow: a page with the reason, and no form."""
    kept = Kept()
    async with running(kept) as client:
        forged = await client.request("GET", link()[:-2] + "AA")
        expired = await client.request("GET", link(age_s=7200))
        posted = await client.request("POST", link(age_s=7200), b"value=true", fields=(FORM,))
        beyond = await client.request("POST", link("comment"), b"value=true", fields=(FORM,))
        empty = await client.request("POST", link(), b"", fields=(FORM,))
    assert [page.status for page in (forged, expired, posted, beyond, empty)] == [401, 401, 401, 403, 400]
    assert b"expired" in expired.body
    assert all(b"<form" not in page.body for page in (forged, expired, posted, beyond, empty))
    assert kept.payloads == []
