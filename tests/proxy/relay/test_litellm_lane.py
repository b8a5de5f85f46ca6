"""The litellm lane, in front of a real server that speaks Anthropic's Messages API, through the real proxy."""

import asyncio
import contextlib
import importlib
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import Any

import openai
import pytest

from backtalk.observe.understand import response as understood
from backtalk.relay import litellm_lane
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.provider import Provider, running_provider
from backtalk.testing.raw_client import RawClient, RawResponse, request_bytes
from backtalk.testing.running import FrameList, error_of, proxying
from backtalk.testing.waiting import wait_until

CHAT = "/v1/chat/completions"
KEY = "sk-target-7f3a"
USER = [{"role": "user", "content": "hi"}]
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}},
}

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180), pytest.mark.filterwarnings("ignore")]
"""Warnings are the library's own, of its types and its clients."""


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module")
def provider() -> Generator[Provider]:
    """A server that speaks Anthropic's dialect under /v1/messages; litellm is loaded, which takes seconds."""
    litellm_lane.load()
    with running_provider() as running:
        yield running


@contextlib.asynccontextmanager
async def translating(
    provider: Provider, frames: FrameList | None = None, *, route: Mapping[str, Any] | None = None, **target: Any
) -> AsyncGenerator[RawClient]:
    """A client of a proxy that answers `claude-*` by litellm."""
    claude = {
        "lane": "litellm",
        "url": provider.url.removesuffix("/v1"),
        "model": "anthropic/*",
        "options": {"api_key": KEY},
        "idle_timeout_s": 20.0,
        **target,
    }
    plain = {"url": provider.url}
    routes = {"claude-*": {"targets": ["claude"], "attempts": 1, "backoff_s": 0.001, **(route or {})}}
    targets = {"claude": claude, "plain": plain}
    proxy = proxying("http://127.0.0.1:1/v1", frames, targets=targets, routes=routes)
    async with proxy as port, await RawClient.to(port) as client:
        yield client


async def ask(client: RawClient, path: str = CHAT, **fields: Any) -> RawResponse:
    """Send a body that asks for Claude."""
    body = {"model": "claude-sonnet-4-5", **({"messages": USER} if path == CHAT else {}), **fields}
    return await client.request("POST", path, json.dumps(body).encode(), fields=(("authorization", "Bearer sk-app"),))


def events(response: RawResponse) -> list[dict[str, Any]]:
    """The JSON events of a stream that ends as it should."""
    *data, done = [part.removeprefix(b"data: ") for part in response.body.split(b"\n\n") if part]
    assert done == b"[DONE]"
    return [json.loads(one) for one in data]


async def test_an_answer_is_translated_and_recorded_as_any_other(provider: Provider) -> None:
    """The provider is asked in its dialect with the target's key, the client answered in OpenAI's, with ids."""
    frames = FrameList()
    async with translating(provider, frames) as client:
        response = await ask(client, temperature=0.5, max_tokens=7)
        value = json.loads(response.body)
        closed = await frames.ended()
    sent = provider.exchanges[-1]
    assert (sent.target, sent.header("x-api-key")) == ("/v1/messages", KEY)
    assert json.loads(sent.body) | {"model": "claude-sonnet-4-5", "temperature": 0.5, "max_tokens": 7} == json.loads(
        sent.body
    )
    assert b"sk-app" not in sent.body + repr(sent.headers).encode()
    assert (value["object"], value["choices"][0]["finish_reason"]) == ("chat.completion", "stop")
    assert value["choices"][0]["message"]["content"] == "The scripted provider heard: hi"
    assert value["usage"]["prompt_tokens"] == 7
    assert response.value("x-backtalk-target") == "claude"
    assert (
        response.value(
            "x-upstream-request-id",
        )
        is not None
    )
    assert response.value("x-request-id") == f"{frames.opened[0].trace_id}-{closed.span_id}"
    (attempt,) = closed.attempts
    assert (attempt.lane, attempt.model, attempt.status) == ("litellm", "anthropic/claude-sonnet-4-5", 200)
    answer = understood("chat", 200, {"content-type": "application/json"}, closed.body)
    assert (answer.text, answer.usage and answer.usage.output_tokens) == ("The scripted provider heard: hi", 8)


@pytest.mark.parametrize("asked", [True, False])
async def test_a_stream_is_translated_piece_by_piece(provider: Provider, asked: bool) -> None:
    """The chunks are OpenAI's; usage is a chunk of its own where it was asked for, else on the last one."""
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if asked else {}
    async with translating(provider) as client:
        chunks = events(await ask(client, stream=True, **options))
    said = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert said == "The scripted provider heard: hi"
    assert chunks[-1]["usage"]["completion_tokens"] == 8
    assert bool(chunks[-1]["choices"]) is not asked
    assert [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]][-1] == "stop"


async def test_the_first_chunk_is_not_held_back(provider: Provider) -> None:
    """The head and the first piece are there while the provider still waits to say the next."""
    provider.script(Behaviour(hold_after_writes=4))
    async with translating(provider) as client:
        body = json.dumps({"model": "claude-x", "messages": USER, "stream": True}).encode()
        client.send(request_bytes("POST", CHAT, body))
        assert (await client.reader.readuntil(b'"content":"The ')).startswith(b"HTTP/1.1 200")
        await asyncio.to_thread(wait_until, lambda: provider.held == 1, 5.0, what="the provider's pause")
        provider.release()
        assert b"[DONE]" in await client.reader.readuntil(b"0\r\n\r\n")


@pytest.mark.parametrize("stream", [True, False])
async def test_tools_are_translated_both_ways(provider: Provider, stream: bool) -> None:
    """A tool in OpenAI's shape reaches the provider in its own, and so does its call on the way back."""
    async with translating(provider) as client:
        response = await ask(client, tools=[TOOL], stream=stream)
    sent = json.loads(provider.exchanges[-1].body)
    assert sent["tools"][0]["name"] == "look_up"
    messages = (
        [chunk["choices"][0]["delta"] for chunk in events(response)]
        if stream
        else [json.loads(response.body)["choices"][0]["message"]]
    )
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    assert calls[0]["function"]["name"] == "look_up"
    assert json.loads("".join(call["function"].get("arguments") or "" for call in calls)) is not None


async def test_structured_output_reaches_the_provider(provider: Provider) -> None:
    """A JSON schema is asked for in the provider's own way."""
    schema = {
        "type": "object",
        "properties": {"x": {"type": "string"}},
        "required": ["x"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": True}}
    async with translating(provider) as client:
        assert (await ask(client, response_format=wanted)).status == 200
    assert b'"required":["x"]' in provider.exchanges[-1].body.replace(b" ", b"")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (429, "rate_limit_error"),
        (500, "server_error"),
        (529, "server_error"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_refusal_keeps_the_providers_status_and_words(
    provider: Provider, status: int, kind: str, stream: bool
) -> None:
    """In OpenAI's shape, with the provider's own status, sentence and `Retry-After`."""
    provider.script(Behaviour(status=status, headers=(("retry-after", "7"),)))
    async with translating(provider) as client:
        response = await ask(client, stream=stream)
    error = json.loads(response.body)["error"]
    assert (response.status, error["type"]) == (status, kind)
    assert error["message"] == f"The scripted provider was told to answer {status}."
    assert response.value("retry-after") == "7"


async def test_a_failing_provider_is_passed_over_for_the_raw_lane(provider: Provider) -> None:
    """Lanes mix in one route: what a provider cannot answer, an OpenAI-compatible target does."""
    provider.script(Behaviour(status=529))
    frames = FrameList()
    async with translating(provider, frames, route={"fallbacks": ["plain"], "attempts": 2}) as client:
        response = await ask(client)
        assert (response.status, response.value("x-backtalk-target")) == (200, "plain")
        attempts = (await frames.ended()).attempts
        assert [(a.lane, a.status, a.error) for a in attempts] == [("litellm", 529, "status_529"), ("raw", 200, None)]


async def test_a_provider_that_is_not_there_is_a_502(provider: Provider) -> None:
    """No address of the provider's, and nothing of litellm's own words, in the error."""
    frames = FrameList()
    async with translating(provider, frames, url="http://127.0.0.1:1") as client:
        response = await ask(client)
        assert (response.status, error_of(response)["code"]) == (502, "upstream_unreachable")
        assert (await frames.ended()).outcome == "upstream_error"


async def test_a_silent_provider_is_a_504(provider: Provider) -> None:
    """The idle timeout counts here too, and the provider is let go of."""
    provider.script(Behaviour(hold=True))
    async with translating(provider, idle_timeout_s=0.2) as client:
        response = await ask(client)
        assert (response.status, error_of(response)["code"]) == (504, "upstream_timeout")
    provider.release()


async def test_a_stream_that_breaks_off_says_so(provider: Provider) -> None:
    """After the head an error is an event that OpenAI's clients raise; the call is recorded as cut."""
    provider.script(Behaviour(cut_after_bytes=700))
    frames = FrameList()
    async with translating(provider, frames) as client:
        response = await ask(client, stream=True)
        closed = await frames.ended()
    assert b"[DONE]" not in response.body
    assert json.loads(response.body.split(b"\n\n")[-2].removeprefix(b"data: "))["error"]["code"] == "upstream_cut"
    assert (closed.outcome, closed.attempts[0].error) == ("upstream_error", "upstream_cut")


async def test_a_client_that_leaves_stops_the_provider(provider: Provider) -> None:
    """Nothing is generated for nobody."""
    provider.script(Behaviour(endless=True, chunk_delay_s=0.005))
    frames = FrameList()
    async with translating(provider, frames) as client:
        client.send(
            request_bytes("POST", CHAT, json.dumps({"model": "claude-x", "messages": USER, "stream": True}).encode())
        )
        await client.response(head_only=True)
        client.close()
        assert (await frames.ended()).outcome == "client_disconnected"
        exchange = provider.exchanges[-1]
        async with asyncio.timeout(5):
            while exchange.outcome == "answering":
                await asyncio.to_thread(provider.wait_for_exchanges, 1)
        assert exchange.outcome == "client_gone"


@pytest.mark.parametrize(
    "name",
    [
        "api_base",
        "api_key",
        "base_url",
        "extra_headers",
        "mock_response",
        "fallbacks",
        "model_list",
        "custom_llm_provider",
        "x",
    ],
)
async def test_no_field_of_a_client_steers_litellm(provider: Provider, name: str) -> None:
    """Where a call goes, with which key, is the settings' matter: such a field is refused by its name."""
    before = len(provider.exchanges)
    async with translating(provider) as client:
        response = await ask(client, **{name: "http://127.0.0.1:1"})
        error = error_of(response)
        assert (response.status, error["code"], error["param"]) == (400, "unknown_parameter", name)
    assert len(provider.exchanges) == before


async def test_no_model_of_a_client_is_an_address(provider: Provider) -> None:
    """Some providers of litellm take one for the place to send to, with the target's key; nothing is sent."""
    before = len(provider.exchanges)
    async with translating(provider, route={"models": ["*"]}, url=None, model=None) as client:
        response = await ask(client, model=f"huggingface/{provider.url}")
    assert (response.status, json.loads(response.body)["error"]["param"]) == (400, "model")
    assert len(provider.exchanges) == before


async def test_what_only_openai_has_is_left_out(provider: Provider) -> None:
    """Fields of OpenAI's own service that change no answer do not stand in the way."""
    async with translating(provider) as client:
        assert (await ask(client, metadata={"a": "b"}, store=True)).status == 200
    assert b"store" not in provider.exchanges[-1].body


async def test_what_litellm_does_not_serve_is_said(provider: Provider) -> None:
    """A path without a translation is a 404 that names those that have one."""
    async with translating(provider) as client:
        response = await ask(client, "/v1/images/generations")
        assert (response.status, error_of(response)["code"]) == (404, "not_served")


@pytest.mark.parametrize(
    "body", [b'{"model":"claude-x","model":"claude-x","messages":"\xff"}', b'{"model":"claude-x"}']
)
async def test_a_body_that_cannot_be_translated_is_the_clients_fault(provider: Provider, body: bytes) -> None:
    """A 4xx, never a crash."""
    async with translating(provider) as client:
        assert 400 <= (await client.request("POST", CHAT, body)).status < 503


@pytest.mark.parametrize("as_base64", [True, False])
async def test_embeddings_come_in_the_encoding_that_was_asked_for(provider: Provider, as_base64: bool) -> None:
    """OpenAI's clients ask for base64; providers know floats only."""
    route = {"models": ["claude-sonnet-4-5"]}
    async with translating(provider, route=route, url=provider.url, model="openai/text-embedding-3-small") as client:
        response = await ask(
            client, "/v1/embeddings", input=["a"], **({"encoding_format": "base64"} if as_base64 else {})
        )
    value = json.loads(response.body)
    assert isinstance(value["data"][0]["embedding"], str if as_base64 else list)
    assert value["usage"]["prompt_tokens"] == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_the_responses_api_is_translated(provider: Provider, stream: bool) -> None:
    """Whole, or as the named events of a stream."""
    async with translating(provider) as client:
        response = await ask(client, "/v1/responses", input="hi", stream=stream)
    assert response.status == 200
    assert b"The scripted provider heard: hi" in response.body
    assert not stream or response.body.startswith(b"event: response.created\ndata: {")
    kind = "text/event-stream; charset=utf-8" if stream else "application/json"
    answer = understood("responses", 200, {"content-type": kind}, response.body)
    assert answer.text == "The scripted provider heard: hi"


async def test_the_official_client_sees_no_difference(provider: Provider) -> None:
    """openai-python against a Claude: an answer, a stream, a tool, an error of its class."""
    async with translating(provider) as client:
        port = client.writer.get_extra_info("peername")[1]
        async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="sk-app", max_retries=0) as app:
            messages: Any = USER
            answer = await app.chat.completions.create(model="claude-x", messages=messages)
            assert answer.choices[0].message.content == "The scripted provider heard: hi"
            stream = await app.chat.completions.create(model="claude-x", messages=messages, stream=True)
            said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
            assert said == "The scripted provider heard: hi"
            provider.script(Behaviour(status=429))
            with pytest.raises(openai.RateLimitError):
                await app.chat.completions.create(model="claude-x", messages=messages)


async def test_a_key_of_the_client_passes_where_the_target_has_none(provider: Provider) -> None:
    """As on the raw lane; `client_key = false` keeps it here."""
    async with translating(provider, options={}) as client:
        await ask(client)
        assert provider.exchanges[-1].header("x-api-key") == "sk-app"
    async with translating(provider, options={}, client_key=False) as client:
        before = len(provider.exchanges)
        assert (await ask(client)).status == 401
        assert len(provider.exchanges) == before


def test_litellm_is_loaded_by_the_first_call_and_never_its_proxy() -> None:
    """Importing the whole product loads nothing of litellm; it starts, fetches and says nothing then."""
    program = (
        "import sys, backtalk.app, backtalk.relay.litellm_lane as lane\n"
        "assert not any(m.partition('.')[0] == 'litellm' for m in sys.modules)\n"
        "import socket\n"
        "def refuse(*_): raise SystemExit('litellm asked the network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "lane.load()\n"
        "assert not any(m.startswith('litellm.proxy.proxy_server') for m in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def test_litellm_says_nothing_of_its_own(provider: Provider, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither an answer nor a failure writes to the process's output, where it would tell of requests."""
    capfd.readouterr()
    async with translating(provider) as client:
        await ask(client)
        await ask(client, stream=True)
        provider.script(Behaviour(status=500), Behaviour(cut_after_bytes=100))
        await ask(client)
        await ask(client, stream=True)
    assert capfd.readouterr() == ("", "")


async def test_what_litellm_does_after_an_answer_is_ended_with_it() -> None:
    """A coroutine that it has queued is run, not left over for the interpreter to warn of."""
    library, done = litellm_lane.Library(), asyncio.Event()
    await library.get()
    queue = importlib.import_module("litellm.litellm_core_utils.logging_worker").GLOBAL_LOGGING_WORKER

    async def afterwork() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        done.set()

    queue.ensure_initialized_and_enqueue(afterwork())
    await library.aclose()
    assert done.is_set()


def test_the_package_starts_nothing_by_itself() -> None:
    """A `.pth` file runs at every start of Python: a release of litellm once stole credentials that way."""
    files = importlib.metadata.files("litellm") or []
    assert files
    assert [file for file in files if file.suffix == ".pth"] == []
