"""A call as two spans, held against the conventions."""

from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from backtalk.export.kinds import error_type
from backtalk.export.origin import Origin, origin
from backtalk.export.spans import spans_of
from backtalk.model.chat import Message, Request, Response, Usage
from backtalk.model.facts import CallClosed
from backtalk.model.ids import new_span_id
from backtalk.testing.facts import START_NS, closed_call, opened_call


@pytest.fixture(scope="module")
def ours() -> Origin:
    """A resource and a scope."""
    return origin()


def full_call() -> CallClosed:
    """A streamed call that has everything."""
    request = Request(
        model="gpt-x",
        messages=(Message("user", "secret question"),),
        stream=True,
        choice_count=2,
        user="u1",
        declared_session="chat-7",
        tools_json="[]",
        params_json='{"temperature":0,"top_p":1,"max_tokens":9,"seed":1,"stop":"x","response_format":{"type":"text"}}',
    )
    answers = (Message("assistant", "secret answer"), Message("assistant", "b"))
    return closed_call(
        opened=opened_call(request=request),
        response=Response(
            "chatcmpl-1", "gpt-x-1", answers, ("stop", "length"), Usage(10, 5, 4, 2, cache_write_tokens=3)
        ),
        upstream_request_id="req_1",
    )


def _attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_ids_are_those_the_client_saw(ours: Origin) -> None:
    """The client span has the span id of the header; the server span is its parent and has the app's as its own."""
    sent = new_span_id()
    call = closed_call(opened=opened_call(parent_span_id=sent))
    server, client = spans_of(call, ours)
    assert client.context is not None
    assert server.context is not None
    assert format_trace_id(client.context.trace_id) == call.opened.trace_id
    assert format_span_id(client.context.span_id) == call.opened.span_id
    assert format_span_id(server.context.span_id) == call.opened.server_span_id
    assert client.parent is not None
    assert client.parent.span_id == server.context.span_id
    assert server.parent is not None
    assert format_span_id(server.parent.span_id) == sent
    assert server.parent.is_remote
    assert (server.kind, client.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert spans_of(closed_call(), ours)[0].parent is None


def test_parent_outlives_child_and_ends_at_the_last_byte(ours: Origin) -> None:
    """Both spans last the call's measured duration, whatever the wall clock did meanwhile."""
    server, client = spans_of(closed_call(duration_ns=700, closed_ns=5), ours)
    assert server.start_time == client.start_time == START_NS
    assert server.end_time == client.end_time == START_NS + 700


def test_words_are_on_the_client_span_alone(ours: Origin) -> None:
    """What is given besides goes onto the model call's span; a span that is none bears nothing of it."""
    server, client = spans_of(full_call(), ours, {"gen_ai.input.messages": "[]"})
    assert "gen_ai.input.messages" in _attributes(client)
    assert "gen_ai.input.messages" not in _attributes(server)
    for span in spans_of(closed_call(opened=opened_call(api="models", path="/v1/models")), ours, {"gen_ai.x": "[]"}):
        assert "gen_ai.x" not in _attributes(span)


def test_usage_stands_on_one_span_only(ours: Origin) -> None:
    """Whoever adds up tokens over spans counts them once."""
    server, _ = spans_of(full_call(), ours)
    assert not [name for name in _attributes(server) if name.startswith("gen_ai.")]


def test_inferred_session_is_no_conversation(ours: Origin) -> None:
    """`gen_ai.conversation.id` is only what the app named."""
    _, client = spans_of(closed_call(session_id="s9"), ours)
    found = _attributes(client)
    assert "gen_ai.conversation.id" not in found
    assert found["session.id"] == found["backtalk.session.inferred_id"] == "s9"
    _, client = spans_of(full_call(), ours)
    found = _attributes(client)
    assert found["gen_ai.conversation.id"] == found["session.id"] == "chat-7"
    assert "backtalk.session.inferred_id" not in found


@pytest.mark.parametrize(
    ("changes", "error", "server_status", "client_status"),
    [
        ({}, None, StatusCode.UNSET, StatusCode.UNSET),
        ({"status": 404}, "404", StatusCode.UNSET, StatusCode.ERROR),
        (
            {"status": 429, "response": Response(error_type="rate_limit_exceeded")},
            "rate_limit_exceeded",
            StatusCode.UNSET,
            StatusCode.ERROR,
        ),
        ({"status": 500}, "500", StatusCode.ERROR, StatusCode.ERROR),
        ({"outcome": "upstream_timeout"}, "upstream_timeout", StatusCode.ERROR, StatusCode.ERROR),
        ({"outcome": "interrupted", "status": 0}, "interrupted", StatusCode.ERROR, StatusCode.ERROR),
        ({"outcome": "client_disconnected"}, "client_disconnected", StatusCode.UNSET, StatusCode.UNSET),
    ],
)
def test_errors(
    ours: Origin, changes: dict[str, Any], error: str | None, server_status: StatusCode, client_status: StatusCode
) -> None:
    """A 4xx is the client span's error and not the server's; a person who leaves is nobody's error."""
    call = closed_call(**changes)
    server, client = spans_of(call, ours)
    assert error_type(call) == error
    assert _attributes(client).get("error.type") == error
    assert (server.status.status_code, client.status.status_code) == (server_status, client_status)


def test_cut_answer_has_the_finish_reason_error(ours: Origin) -> None:
    """An answer that ended before its reason says so at its place."""
    cut = closed_call(outcome="client_disconnected", response=Response(choices=(Message("assistant", "Th"),)))
    assert _attributes(spans_of(cut, ours)[1])["gen_ai.response.finish_reasons"] == ("error",)
    nothing = closed_call(outcome="upstream_error", response=Response())
    assert _attributes(spans_of(nothing, ours)[1])["gen_ai.response.finish_reasons"] == ("error",)


@pytest.mark.parametrize(
    ("api", "path", "method", "names"),
    [
        ("chat", "/v1/chat/completions", "POST", ("POST /v1/chat/completions", "chat m")),
        ("completions", "/v1/completions", "POST", ("POST /v1/completions", "text_completion m")),
        ("responses", "/v1/responses", "POST", ("POST /v1/responses", "chat m")),
        ("embeddings", "/v1/embeddings", "POST", ("POST /v1/embeddings", "embeddings m")),
        ("models", "/v1/models", "GET", ("GET /v1/models", "GET")),
        ("models", "/v1/models/gpt-x", "GET", ("GET /v1/models/{path}", "GET")),
        ("files", "/v1/files/abc", "BREW", ("HTTP /v1/files/{path}", "HTTP")),
    ],
)
def test_names_are_few(ours: Origin, api: str, path: str, method: str, names: tuple[str, str]) -> None:
    """No id and no strange method is part of a span's name."""
    call = closed_call(opened=opened_call(api=api, path=path, method=method, request=Request(model="m")))
    server, client = spans_of(call, ours)
    assert (server.name, client.name) == names


def test_upstreams_own_request_id_is_kept(ours: Origin) -> None:
    """Ours replaces the header; theirs is an attribute."""
    assert _attributes(spans_of(full_call(), ours)[1])["backtalk.upstream.request_id"] == "req_1"
