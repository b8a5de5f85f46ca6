"""The feedback door before browsers, by literal requests to the real server."""

import contextlib
import json
from collections.abc import AsyncGenerator, Callable

import pytest

from backtalk.app import PublicApp
from backtalk.model.meter import NoMeter
from backtalk.model.origins import Origins
from backtalk.settings import Settings
from backtalk.tasks import TaskGroup
from backtalk.telemetry.metrics import Metrics
from backtalk.testing.exchange import HandExchange
from backtalk.testing.raw_client import RawClient
from backtalk.testing.running import FrameList, error_of, serving
from backtalk.testing.waiting import await_until
from backtalk.web.cors_door import CorsDoor
from backtalk.web.feedback_request import Answer, FeedbackRequest

APP = "https://app.example"
PREFLIGHT = (
    ("Origin", APP),
    ("Access-Control-Request-Method", "POST"),
    ("Access-Control-Request-Headers", "content-type,x-feedback-token"),
)


async def door(request: FeedbackRequest) -> Answer:
    """Stands where feedback is taken; takes everything."""
    del request
    return Answer(202, b"{}", [])


@contextlib.asynccontextmanager
async def running() -> AsyncGenerator[RawClient]:
    """The app, with one origin allowed for feedback and another for calls, and a client."""
    settings = Settings.model_validate(
        {"feedback": {"allowed_origins": [APP]}, "web": {"allowed_origins": ["https://calls.example"]}}
    )
    app = PublicApp(settings, feedback_door=door, sink=FrameList(), secret=b"s" * 32, metrics=NoMeter())
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
@pytest.mark.parametrize(
    ("origin", "shown"),
    [
        (b"https://evil.example", "https://evil.example"),
        (b"https://" + b"a" * 5_000, f"https://{'a' * 192}..."),
        (b"https://\xff\x9b31m", "https://\ufffd\ufffd31m"),
        (b"", "an empty origin"),
    ],
)
async def test_a_page_that_is_refused_is_named_and_counted(origin: bytes, shown: str) -> None:
    """Cut and printable, whatever it calls itself; each adds one to what the door refused."""
    metrics = Metrics()
    client = HandExchange(b"{}", path="/v1/feedback", fields=[(b"origin", origin)])
    await CorsDoor(door, Origins(()), metrics).serve(client)
    said = json.loads(b"".join(client.written))["error"]["message"]
    assert said == f"pages of {shown} may not give feedback; allow this origin in feedback.allowed_origins"
    assert client.status == 403
    assert metrics.snapshot().value("backtalk.feedback.refused", code="origin_not_allowed") == 1


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


@pytest.mark.anyio
async def test_a_failure_behind_the_door_is_answered_and_says_nothing_of_itself() -> None:
    """500 with the ids of the request; the connection goes on."""

    async def failing(request: FeedbackRequest) -> Answer:
        raise ValueError(f"a secret of {request.path}")

    app = PublicApp(Settings(), feedback_door=failing, sink=FrameList(), secret=b"s" * 32, metrics=NoMeter())
    async with serving(app, calls=app.calls) as port, await RawClient.to(port) as client:
        for _ in range(2):
            answer = await client.request("POST", "/v1/feedback", b"{}")
            assert (answer.status, error_of(answer)["code"]) == (500, "internal_error")
            assert b"secret" not in answer.body


@pytest.mark.anyio
async def test_a_client_that_takes_nothing_is_waited_for() -> None:
    """Its answers do not pile up in memory: the next request is served once this one's answer can go out."""
    client = HandExchange(b"{}", path="/v1/feedback")
    client.writable = False
    serving_it = TaskGroup().spawn(CorsDoor(door, Origins(()), NoMeter()).serve(client), name="serve")
    await await_until(lambda: _said(client.writable_callback))
    assert client.status == 0
    client.writable = True
    assert client.writable_callback is not None
    client.writable_callback()
    await serving_it
    assert (client.status, client.written, client.complete) == (202, [b"{}"], True)


@pytest.mark.anyio
async def test_a_client_that_leaves_gets_no_answer() -> None:
    """Nothing is sent into a closed connection, and nothing fails."""

    async def reading(request: FeedbackRequest) -> Answer:
        return Answer(202, (await request.first_piece(5)).body, [])

    client = HandExchange(path="/v1/feedback")
    await CorsDoor(reading, Origins(()), NoMeter()).serve(client)
    assert (client.status, client.written) == (0, [])


async def _said(callback: Callable[[], None] | None) -> bool:
    return callback is not None
