"""The official `openai` client works through Backtalk as it does without: every call kind, every way it can end."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pydantic
import pytest

from backtalk.model.ids import new_trace_id, parse_request_id, parse_trace_id
from backtalk.testing.behaviour import Behaviour, as_header
from backtalk.testing.provider import Provider
from backtalk.testing.serve import Backtalk
from backtalk.testing.waiting import wait_until

_TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    },
}


class _Plan(pydantic.BaseModel):
    title: str
    steps: list[str]


def _asking(text: str) -> Any:
    return [{"role": "user", "content": text}]


def _scripted(behaviour: Behaviour) -> dict[str, str]:
    return {"x-script": as_header(behaviour)}


def test_a_chat_completion_comes_back_whole(client: openai.OpenAI) -> None:
    """Content, usage, finish reason and the provider's own id are what the provider sent."""
    answer = client.chat.completions.create(model="scripted", messages=_asking("hello whole"))
    assert answer.choices[0].message.content == "The scripted provider heard: hello whole"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.id.startswith("chatcmpl-")
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0


def test_the_request_id_of_the_client_is_the_calls_key(client: openai.OpenAI) -> None:
    """What apps log as `_request_id` names trace and span."""
    answer = client.chat.completions.create(model="scripted", messages=_asking("request id"))
    assert parse_request_id(str(getattr(answer, "_request_id", ""))) is not None


@pytest.mark.parametrize("words", [1, 3])
def test_a_stream_brings_every_piece_and_the_usage(client: openai.OpenAI, words: int) -> None:
    """The pieces joined are the answer, however they are cut."""
    text = "one two three four five six seven"
    with client.chat.completions.create(
        model="scripted",
        messages=_asking("stream"),
        stream=True,
        stream_options={"include_usage": True},
        extra_headers=_scripted(Behaviour(text=text, words_per_chunk=words)),
    ) as stream:
        chunks = list(stream)
        assert parse_trace_id(stream.response.headers["x-trace-id"]) is not None
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text
    assert chunks[-1].usage is not None


def test_streaming_headers_can_be_read_in_every_way_the_client_has(client: openai.OpenAI) -> None:
    """Raw response, streaming response, and the stream's own response agree on the form."""
    raw = client.chat.completions.with_raw_response.create(model="scripted", messages=_asking("raw"))
    assert parse_request_id(raw.headers["x-request-id"]) is not None
    assert raw.headers["x-upstream-request-id"].startswith("req_")
    assert raw.headers["traceresponse"].split("-")[1] == raw.headers["x-trace-id"]
    with client.chat.completions.with_streaming_response.create(model="scripted", messages=_asking("raw")) as streaming:
        assert parse_trace_id(streaming.headers["x-trace-id"]) is not None
        assert streaming.parse().choices[0].message.content


def test_a_trace_that_the_app_began_goes_on(client: openai.OpenAI, upstream: Provider) -> None:
    """The app's trace id is honoured, and the upstream is told of it."""
    trace_id = new_trace_id()
    parent = f"00-{trace_id}-00f067aa0ba902b7-01"
    raw = client.chat.completions.with_raw_response.create(
        model="scripted", messages=_asking("traced"), extra_headers={"traceparent": parent, "tracestate": "a=1"}
    )
    assert raw.headers["x-trace-id"] == trace_id
    seen = next(one for one in reversed(upstream.exchanges) if trace_id in (one.header("traceparent") or ""))
    assert seen.header("traceparent") == raw.headers["traceresponse"]
    assert seen.header("tracestate") == "a=1"


def test_tool_calls_come_back_and_their_results_go_on(client: openai.OpenAI) -> None:
    """Not streamed and streamed, the arguments are the provider's."""
    answer = client.chat.completions.create(model="scripted", messages=_asking("weather?"), tools=[_TOOL])
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    call = calls[0]
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "scripted", "days": 7}
    with client.chat.completions.stream(model="scripted", messages=_asking("weather?"), tools=[_TOOL]) as stream:
        streamed = stream.get_final_completion().choices[0].message.tool_calls
    assert streamed is not None
    assert streamed[0].function.arguments == call.function.arguments
    after: Any = [
        *_asking("weather?"),
        answer.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    last = client.chat.completions.create(model="scripted", messages=after, tools=[_TOOL])
    assert last.choices[0].finish_reason == "stop"


def test_structured_output_is_parsed(client: openai.OpenAI) -> None:
    """Chat and responses, by a pydantic model."""
    parsed = client.chat.completions.parse(model="scripted", messages=_asking("plan"), response_format=_Plan)
    assert parsed.choices[0].message.parsed == _Plan(title="scripted", steps=["scripted"])
    response = client.responses.parse(model="scripted", input="plan", text_format=_Plan)
    assert response.output_parsed == _Plan(title="scripted", steps=["scripted"])


def test_several_choices_stay_apart(client: openai.OpenAI) -> None:
    """n=3, not streamed and streamed."""
    answer = client.chat.completions.create(model="scripted", messages=_asking("many"), n=3)
    texts = [choice.message.content for choice in answer.choices]
    assert len(set(texts)) == 3
    with client.chat.completions.create(model="scripted", messages=_asking("many"), n=3, stream=True) as stream:
        streamed = ["", "", ""]
        for chunk in stream:
            for choice in chunk.choices:
                streamed[choice.index] += choice.delta.content or ""
    assert streamed == texts


def test_the_other_apis_pass(client: openai.OpenAI) -> None:
    """Completions, embeddings, models and responses, streamed where they can be."""
    assert client.completions.create(model="scripted", prompt="x").choices[0].text == "Completion of: x"
    with client.completions.create(model="scripted", prompt="x", stream=True) as stream:
        assert "".join(chunk.choices[0].text for chunk in stream) == "Completion of: x"
    vectors = client.embeddings.create(model="scripted", input=["a", "b"]).data
    assert [len(vector.embedding) for vector in vectors] == [8, 8]
    assert "scripted" in [model.id for model in client.models.list()]
    assert client.models.retrieve("scripted").id == "scripted"
    assert client.responses.create(model="scripted", input="yo").output_text == "The scripted provider heard: yo"
    with client.responses.create(model="scripted", input="yo", stream=True) as events:
        kinds = [event.type for event in events]
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_a_providers_error_is_the_providers(
    client: openai.OpenAI, status: int, error: type[openai.APIStatusError]
) -> None:
    """Status, body and class are as without Backtalk; the ids are there too."""
    with pytest.raises(error) as caught:
        client.chat.completions.create(model=f"scripted-status-{status}", messages=_asking("fail"))
    assert caught.value.status_code == status
    assert "was told to answer" in caught.value.message
    assert parse_request_id(caught.value.request_id or "") is not None


@pytest.mark.parametrize("model", ["scripted-cut", "scripted-malformed"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_broken_answer_is_broken_for_the_client_too(backtalk: Backtalk, model: str, streamed: bool) -> None:
    """Nothing is made up: a cut connection is cut, and no JSON stays none; the next call works."""
    with openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-broken", max_retries=0, timeout=20) as client:
        with pytest.raises((openai.APIError, json.JSONDecodeError)):
            _consume(client.chat.completions.create(model=model, messages=_asking("break"), stream=streamed))
        assert client.chat.completions.create(model="scripted", messages=_asking("next")).id


@pytest.mark.parametrize("model", ["scripted-bytes", "scripted-gzip", "scripted-close", "scripted-noisy"])
@pytest.mark.parametrize("streamed", [False, True])
def test_odd_wire_forms_are_read(client: openai.OpenAI, model: str, streamed: bool) -> None:
    """One byte at a time, compressed, closed for an end, with comments and unknown fields between."""
    answer: Any = client.chat.completions.create(model=model, messages=_asking("odd"), stream=streamed)
    assert _consume(answer) == "The scripted provider heard: odd"


def _consume(answer: Any) -> str:
    if hasattr(answer, "choices"):
        return str(answer.choices[0].message.content)
    chunks: Iterator[Any] = iter(answer)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def test_a_client_that_gives_up_waiting_cancels_the_upstream(backtalk: Backtalk, upstream: Provider) -> None:
    """The client's timeout ends the call at the provider, too."""
    with (
        openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-slow", max_retries=0, timeout=0.3) as client,
        pytest.raises(openai.APITimeoutError),
    ):
        client.chat.completions.create(model="scripted-hold", messages=_asking("give up waiting"))
    held = next(one for one in reversed(upstream.exchanges) if b"give up waiting" in one.body)
    wait_until(lambda: held.outcome == "client_gone", what="the end of the held call")


def test_a_stream_that_is_closed_cancels_the_upstream(client: openai.OpenAI, upstream: Provider) -> None:
    """Closing an endless stream ends it at the provider."""
    stream = client.chat.completions.create(
        model="scripted-endless", messages=_asking("close the endless"), stream=True
    )
    for _, _ in zip(range(5), stream, strict=False):
        pass
    stream.close()
    endless = next(one for one in reversed(upstream.exchanges) if b"close the endless" in one.body)
    wait_until(lambda: endless.outcome == "client_gone", what="the end of the endless stream")


def test_the_clients_retries_work_and_are_told_from_regenerations(backtalk: Backtalk, upstream: Provider) -> None:
    """After a 503 the client asks again by itself: an automatic retry, no signal."""
    refused = Behaviour(status=503, headers=(("retry-after-ms", "10"),))
    upstream.script(refused, refused)
    with openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-retry", max_retries=3, timeout=20) as client:
        raw = client.chat.completions.with_raw_response.create(model="scripted", messages=_asking("retry me please"))
    asked = [one for one in upstream.exchanges if b"retry me please" in one.body]
    assert [one.header("x-stainless-retry-count") for one in asked] == ["0", "1", "2"]
    document = backtalk.wait_for_trace(raw.headers["x-trace-id"], lambda found: found["calls"][0].get("session"))
    assert document["calls"][0]["session"]["rule"] == "automatic_retry"
    assert document["calls"][0]["signals"] == []


@pytest.mark.anyio
async def test_the_asynchronous_client_works_too(backtalk: Backtalk) -> None:
    """Calls, streams and parallel use."""
    async with openai.AsyncOpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-async", timeout=20) as client:
        answer = await client.chat.completions.create(model="scripted", messages=_asking("async"))
        assert answer.choices[0].message.content == "The scripted provider heard: async"
        text = ""
        async with await client.chat.completions.create(
            model="scripted", messages=_asking("async"), stream=True
        ) as stream:
            async for chunk in stream:
                text += chunk.choices[0].delta.content or ""
        assert text == "The scripted provider heard: async"
