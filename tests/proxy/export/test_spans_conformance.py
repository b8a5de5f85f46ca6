"""Every span of every kind of call, held against the published conventions, in both generations of names."""

from typing import Any, get_args

import msgspec
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from backtalk.export.attempts import attempt_spans
from backtalk.export.kinds import OPERATIONS
from backtalk.export.origin import origin
from backtalk.export.semconv import Generation
from backtalk.export.spans import spans_of
from backtalk.model.chat import Api, Message, Request, Response, Usage
from backtalk.model.facts import CallClosed
from backtalk.model.frames import Attempt
from backtalk.model.ids import new_span_id
from backtalk.testing import conventions
from backtalk.testing.facts import closed_call, opened_call

GENERATIONS: tuple[Generation, ...] = ("v1.41", "latest")
PATHS = {
    "vector_search": "/v1/vector_stores/vs_1/search",
    "embeddings": "/v1/embeddings",
    "images": "/v1/images/generations",
    "speech": "/v1/audio/speech",
    "transcriptions": "/v1/audio/transcriptions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}
PARAMETERS = {
    "temperature": 0, "top_p": 1, "max_tokens": 9, "seed": 1, "stop": "x", "top_k": 40, "presence_penalty": 1,
    "frequency_penalty": 0.5, "response_format": {"type": "json_object"}, "service_tier": "flex", "dimensions": 256,
    "encoding_format": "base64", "reasoning": {"effort": "low"}, "previous_response_id": "resp_1",
    "max_num_results": 7, "tools": [{"type": "mcp", "server_label": "s"}], "odd": {"deep": [1]},
}  # fmt: skip
REQUIRED = {"gen_ai.operation.name", "gen_ai.provider.name"}
FULL = {
    "v1.41": {"gen_ai.usage.cache_creation.input_tokens", "openai.request.service_tier", "openai.api.type"},
    "latest": {"gen_ai.usage.cache_write.input_tokens", "gen_ai.request.previous_response.id"},
}


def call_of(api: str, **changes: Any) -> CallClosed:
    """A call of an API that has everything a request can have."""
    request = Request(
        model="m-1",
        messages=(Message("system", "Be brief."), Message("user", "A question")),
        stream=True,
        choice_count=2,
        user="u1",
        declared_session="chat-7",
        prompt_name="greeting",
        prompt_version="7",
        tools_json='[{"type":"function","function":{"name":"f"}}]',
        params_json=msgspec.json.encode(PARAMETERS).decode(),
    )
    answers = (Message("assistant", "An answer"), Message("assistant", "b"))
    usage = Usage(10, 5, 4, 2, cache_write_tokens=3)
    opened = opened_call(request=request, api=api, path=PATHS.get(api, f"/v1/{api}"), parent_span_id=new_span_id())
    fields: dict[str, Any] = {
        "opened": opened,
        "response": Response("id-1", "m-1-2026", answers, ("stop", "length"), usage),
        "cost_usd": 0.5,
        "upstream_request_id": "req_1",
    }
    return closed_call(**fields | changes)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """A span's attributes."""
    return dict(span.attributes or {})


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("api", get_args(Api))
def test_spans_of_every_api_have_known_names_and_types(api: str, generation: Generation) -> None:
    """Nothing unknown, nothing of a wrong type, nothing empty; and `gen_ai.*` on the model call's span alone."""
    server, client = spans_of(call_of(api), origin(generation))
    for span in (server, client):
        assert conventions.faults(attributes(span), generation) == []
    found = {name for name in attributes(client) if name.startswith("gen_ai.")}
    assert not [name for name in attributes(server) if name.startswith("gen_ai.")]
    assert (found >= REQUIRED) if api in OPERATIONS else not found
    assert not [name for span in (server, client) for name in attributes(span) if name.startswith(("mcp.", "rpc."))]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_call_that_has_everything_says_everything(generation: Generation) -> None:
    """Of what a chat or a response can say, nothing is missing but what the other generation calls otherwise."""
    said = attributes(spans_of(call_of("responses"), origin(generation))[1])
    assert set(said) >= FULL[generation]
    missing = {name for name in conventions.ATTRIBUTES[generation] if name.startswith("gen_ai.")} - set(said)
    never = ("gen_ai.evaluation.", "gen_ai.token.", "gen_ai.data_source.", "gen_ai.retrieval.")
    opt_in = {
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.tool.definitions",
    }
    assert {name for name in missing if not name.startswith(never)} == opt_in
    assert said["gen_ai.usage.input_tokens"] == 10


@pytest.mark.parametrize("generation", GENERATIONS)
def test_bare_call_has_what_is_required_and_nothing_untrue(generation: Generation) -> None:
    """What a call does not have is absent, not empty."""
    call = closed_call(opened=opened_call(request=Request()), response=Response(), session_id=None, upstream="")
    server, client = spans_of(call, origin(generation))
    assert conventions.faults(attributes(server), generation) == []
    assert conventions.faults(attributes(client), generation) == []
    assert set(attributes(client)) >= REQUIRED
    assert client.name == "chat"


@pytest.mark.parametrize("api", sorted(OPERATIONS))
def test_operations_are_those_of_the_conventions(api: Api) -> None:
    """The span is named by its operation and its model; a search by the store it searches."""
    _, client = spans_of(call_of(api), origin())
    assert attributes(client)["gen_ai.operation.name"] in conventions.OPERATIONS
    about = "vs_1" if api == "vector_search" else "m-1"
    assert client.name == f"{OPERATIONS[api]} {about}"
    assert client.kind is SpanKind.CLIENT


@pytest.mark.parametrize(
    ("api", "name", "value"),
    [
        ("embeddings", "gen_ai.embeddings.dimension.count", 256),
        ("embeddings", "gen_ai.request.encoding_formats", ("base64",)),
        ("images", "gen_ai.output.type", "image"),
        ("speech", "gen_ai.output.type", "speech"),
        ("transcriptions", "gen_ai.output.type", "text"),
        ("chat", "gen_ai.output.type", "json"),
        ("chat", "openai.api.type", "chat_completions"),
        ("vector_search", "gen_ai.data_source.id", "vs_1"),
        ("vector_search", "gen_ai.request.top_k", 7.0),
    ],
)
def test_each_kind_says_what_only_it_has(api: str, name: str, value: object) -> None:
    """Dimensions of embeddings, what an endpoint makes, the store of a search."""
    assert attributes(spans_of(call_of(api), origin())[1])[name] == value


def test_providers_attributes_are_not_on_the_calls_of_others() -> None:
    """`openai.*` says that OpenAI answered; whoever asks Anthropic in OpenAI's dialect is told so."""
    call = call_of("chat", upstream="https://api.anthropic.com/v1")
    found = attributes(spans_of(call, origin())[1])
    assert found["gen_ai.provider.name"] == "anthropic"
    assert not [name for name in found if name.startswith("openai.")]
    assert found["gen_ai.provider.name"] in conventions.PROVIDERS


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"status": 429, "response": Response(error_type="rate_limit_exceeded")}, "rate_limit_exceeded"),
        ({"status": 500, "response": Response()}, "500"),
        ({"outcome": "upstream_timeout", "status": 0}, "upstream_timeout"),
        ({"outcome": "interrupted", "status": 0}, "interrupted"),
    ],
)
def test_errors_are_typed_on_every_kind_of_span(changes: dict[str, Any], error: str, generation: Generation) -> None:
    """`error.type` is of few words, and nothing else of the span is wrong for it."""
    for api in ("chat", "embeddings", "images", "files"):
        server, client = spans_of(call_of(api, **changes), origin(generation))
        for span in (server, client):
            assert conventions.faults(attributes(span), generation) == []
        assert attributes(client)["error.type"] == error


def test_attempts_are_http_spans_below_the_model_call() -> None:
    """They have its span as parent, lie within it, and say nothing that would count twice."""
    tries = tuple(
        Attempt(new_span_id(), f"t{n}", "raw", 1_700_000_000_000_000_000 + n, 5, "h:1", status=s)
        for n, s in enumerate((500, 200))
    )
    call = call_of("chat", attempts=tries, route="r")
    _, client = spans_of(call, origin())
    for span in attempt_spans(call, origin()):
        assert conventions.faults(attributes(span), "v1.41") == []
        assert not [name for name in attributes(span) if name.startswith("gen_ai.")]
        assert span.parent == client.context
        assert client.start_time is not None
        assert client.end_time is not None
        assert client.start_time <= (span.start_time or 0) <= (span.end_time or 0) <= client.end_time


def test_answer_from_our_cache_used_no_tokens() -> None:
    """Nobody was asked, so nobody is to pay or to add up."""
    found = attributes(spans_of(call_of("chat", cache="hit"), origin())[1])
    assert not [name for name in found if name.startswith("gen_ai.usage.")]
    assert found["backtalk.cache"] == "hit"
