"""The feedback door before browsers, by literal requests to the real server."""

import contextlib
from collections.abc import AsyncGenerator

import pytest

from backtalk.app import PublicApp
from backtalk.model.asgi import Receive, Scope, Send
from backtalk.model.meter import NoMeter
from backtalk.settings import Settings
from backtalk.testing.raw_client import RawClient
from backtalk.testing.running import FrameList, error_of, serving

APP = "https://app.example"
PREFLIGHT = (
    ("Origin", APP),
    ("Access-Control-Request-Method", "POST"),
    ("Access-Control-Request-Headers", "content-type,x-feedback-token"),
)


async def door(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands where feedback is taken; takes everything."""
    del scope, receive
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})


@contextlib.asynccontextmanager
async def running() -> AsyncGenerator[RawClient]:
    """The app, with one origin allowed for feedback and another for calls, and a client."""
    settings = Settings.model_validate(
        {"feedback": {"allowed_origins": [APP]}, "web": {"allowed_origins": ["https://calls.example"]}}
    )
    app = PublicApp(settings, feedback_app=door, sink=FrameList(), secret=b"s" * 32, metrics=NoMeter())
    async with serving(app, calls=app.calls) as port, await RawClient.to(port) as client:
        yield client


@pytest.mark.anyio
async def test_a_browsers_question_is_answered_before_any_credential_is_asked_for() -> None:
    """204 without a body, with ids, and what may follow."""
    async with running() as client:
        told = await client.request("OPTIONS", "/v1/feedback", fields=PREFLIGHT)
    assert (told.status, told.body, told.complete) == (204, b"", True)
    assert told.value("access-control-allow-origin") == APP
    assert told.value("access-control-allow-headers") == "content-type,x-feedback-token"
    assert told.value("x-trace-id")


@pytest.mark.anyio
@pytest.mark.parametrize("origin", [APP, "https://calls.example", "http://localhost"])
async def test_pages_that_are_allowed_and_our_own_reach_the_door(origin: str) -> None:
    """The two lists, and a page that this listener served itself (the client says `Host: localhost`)."""
    async with running() as client:
        answer = await client.request("POST", "/v1/feedback", b"{}", fields=(("Origin", origin),))
    assert answer.status == 202
    assert answer.value("access-control-allow-origin") == (None if "localhost" in origin else origin)


@pytest.mark.anyio
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.evil.example"])
async def test_other_pages_are_told_which_setting_allows_them(origin: str) -> None:
    """403 before anything is taken; they could not read it, but a person at the console can."""
    async with running() as client:
        answer = await client.request("POST", "/v1/feedback", b"{}", fields=(("Origin", origin),))
        asked = await client.request("OPTIONS", "/v1/feedback", fields=(("Origin", origin), *PREFLIGHT[1:]))
    assert answer.status == 403
    assert error_of(answer)["code"] == "origin_not_allowed"
    assert "feedback.allowed_origins" in error_of(answer)["message"]
    assert answer.value("access-control-allow-origin") is None
    assert asked.value("access-control-allow-origin") is None


@pytest.mark.anyio
async def test_a_form_of_a_link_needs_no_origin() -> None:
    """Its token stands in its address, which no page can guess; a mail's viewer sends `null`."""
    async with running() as client:
        answer = await client.request("POST", "/feedback/btf_x", b"", fields=(("Origin", "null"),))
    assert answer.status == 202


@pytest.mark.anyio
async def test_programs_are_not_asked() -> None:
    """They send no origin; what they get says that it would depend on one."""
    async with running() as client:
        answer = await client.request("POST", "/v1/feedback", b"{}")
    assert (answer.status, answer.value("vary")) == (202, "Origin")
    assert answer.value("access-control-allow-origin") is None
