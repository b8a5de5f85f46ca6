"""Any call is understood, or says why not."""

import gzip
import json
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtalk.model.chat import Api, Message, Request, Response, Usage
from backtalk.observe import understand
from backtalk.observe.chat import MOST_CHOICES

_APIS: tuple[Api, ...] = get_args(Api)
_STREAM = {"content-type": "text/event-stream; charset=utf-8"}
_NAMES = [
    "model",
    "messages",
    "role",
    "content",
    "type",
    "text",
    "tool_calls",
    "function",
    "id",
    "index",
    "delta",
    "choices",
    "message",
    "usage",
    "input",
    "output",
    "item",
    "response",
    "output_index",
    "prompt",
    "error",
    "metadata",
    "conversation",
    "status",
    "tools",
    "n",
    "refusal",
    "part",
]
_ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_NAMES) | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


def _request(api: Api, fields: object, **headers: str) -> Request:
    return understand.request(api, json.dumps(fields).encode(), headers)


def _stream(*chunks: object, end: bytes = b"data: [DONE]\n\n") -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + end


def test_a_chat_request_is_understood() -> None:
    """Known fields find their place; all others are parameters with sorted keys."""
    fields = {
        "temperature": 0.5,
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "n": 2,
        "user": "u",
        "tools": [{"type": "function"}],
        "added_later": {"b": 1, "a": [None]},
    }
    assert _request("chat", fields) == Request(
        model="m",
        messages=(Message("user", "hi"),),
        stream=True,
        choice_count=2,
        user="u",
        tools_json='[{"type":"function"}]',
        params_json='{"added_later":{"a":[null],"b":1},"temperature":0.5}',
    )


@pytest.mark.parametrize(
    ("fields", "headers", "expected"),
    [
        ({"metadata": {"session_id": "body"}}, {"x-session-id": " head "}, "head"),
        ({"metadata": {"session_id": "body"}, "conversation": "c"}, {"baggage": "session.id=b"}, "body"),
        ({"conversation": "c"}, {}, "c"),
        ({"conversation": {"id": "c"}}, {}, "c"),
        ({"metadata": [], "conversation": 3}, {"baggage": "a=b, session.id=x%20y;p=1"}, "x y"),
        ({"metadata": {"session_id": ""}}, {"x-session-id": ""}, None),
    ],
)
def test_a_session_may_be_named(fields: dict[str, Any], headers: dict[str, str], expected: str | None) -> None:
    """The header wins over the body, the body over baggage."""
    body = json.dumps({"messages": [], **fields}).encode()
    assert understand.request("chat", body, headers).declared_session == expected


def test_a_very_long_name_is_told_apart_by_its_hash() -> None:
    """Names from outside are bounded and still differ."""
    long, longer = (_request("chat", {"messages": [], "user": "u" * size}).user for size in (1000, 1001))
    assert long != longer
    assert long is not None
    assert long.startswith("sha256:")
    assert _request("chat", {"messages": [], "safety_identifier": "s"}).user == "s"


@pytest.mark.parametrize(
    ("api", "body", "why"),
    [
        ("chat", b"", "the body is empty"),
        ("chat", b"[]", "the body is JSON, but no object"),
        ("chat", b"{}", "messages is no array"),
        ("completions", b'{"prompt": 3}', "prompt is neither text nor array"),
        ("responses", b"{}", "input is neither text nor array"),
        ("other", b"\x00multipart", None),
        ("models", b"", None),
        ("embeddings", b'{"input": "x"}', None),
    ],
)
def test_a_body_that_is_not_understood_says_why(api: Api, body: bytes, why: str | None) -> None:
    """Where there is nothing to understand there is nothing to say."""
    assert understand.request(api, body, {}).not_understood == why


@given(st.sampled_from(_APIS), st.binary(), st.sampled_from([{}, _STREAM, {"content-encoding": "gzip"}]))
def test_any_bytes_are_understood_or_not(api: Api, body: bytes, headers: dict[str, str]) -> None:
    """No bytes raise."""
    understand.request(api, body, headers)
    for status in (0, 200, 500):
        understand.response(api, status, headers, body)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(_APIS), st.lists(_ODD, max_size=4), st.sampled_from([200, 500]))
def test_any_json_is_understood_or_not(api: Api, values: list[Any], status: int) -> None:
    """Wrong types at any place raise nothing, in a body as in a stream."""
    for value in values:
        body = json.dumps(value).encode()
        understand.request(api, body, {})
        understand.response(api, status, {"content-type": "application/json"}, body)
    understand.response(api, status, _STREAM, _stream(*values))


@pytest.mark.parametrize("depth", [10, 300, 900, 100_000])
@pytest.mark.parametrize("api", _APIS)
def test_a_deep_body_raises_nothing(api: Api, depth: int) -> None:
    """Nesting up to the decoder's limit and far beyond."""
    deep = '{"content":' * depth + "1" + "}" * depth
    body = f'{{"messages":[{deep}],"input":[{deep}],"prompt":[{deep}],"choices":[{{"message":{deep},"delta":{deep}}}]}}'
    understand.request(api, body.encode(), {})
    understand.response(api, 200, {}, body.encode())
    understand.response(api, 200, _STREAM, b"data: " + body.encode() + b"\n\n")


def test_a_compressed_call_is_understood() -> None:
    """Bodies are copied with their content coding still on."""
    body = gzip.compress(json.dumps({"model": "m", "messages": [], "choices": []}).encode())
    headers = {"content-encoding": "gzip"}
    assert understand.request("chat", body, headers).model == "m"
    assert understand.response("chat", 200, headers, body).model == "m"
    assert understand.response("chat", 200, {"content-encoding": "dcz"}, body).not_understood


def test_an_error_body_is_an_error() -> None:
    """Type and message, for every API."""
    body = b'{"error": {"message": "m", "type": "t"}}'
    for api in _APIS:
        assert understand.response(api, 429, {}, body) == Response(error_type="t", error_message="m")
    assert understand.response("chat", 502, {}, b"<html>").not_understood


def test_embeddings_have_usage_and_no_choices() -> None:
    """The vectors are not kept."""
    body = b'{"model": "e", "data": [{"embedding": [0.1]}], "usage": {"prompt_tokens": 3, "total_tokens": 3}}'
    assert understand.response("embeddings", 200, {}, body) == Response(model="e", usage=Usage(input_tokens=3))


def test_a_broken_event_inside_a_stream_is_told() -> None:
    """The rest counts; at the very end it is merely where the stream was cut."""
    chunk = {"choices": [{"index": 0, "delta": {"content": "a"}}]}
    inside = b"data: {oops\n\n" + _stream(chunk)
    assert understand.response("chat", 200, _STREAM, inside).text == "a"
    assert understand.response("chat", 200, _STREAM, inside).not_understood
    cut = _stream(chunk, end=b'data: {"choices": [{"ind')
    assert understand.response("chat", 200, _STREAM, cut).not_understood is None


@pytest.mark.parametrize(("api", "field"), [("chat", "messages"), ("completions", "prompt"), ("responses", "input")])
def test_a_request_of_too_many_messages_is_not_understood(api: Api, field: str) -> None:
    """Each message costs a hash, a row and a place in the chain, and a few bytes could ask for each."""
    body = f'{{"{field}": [{",".join(["{}"] * (understand.MOST_MESSAGES + 1))}]}}'
    found = understand.request(api, body.encode(), {})
    assert (found.messages, found.not_understood) == ((), "there are more than 10000 messages")


def test_a_prompt_of_token_numbers_is_one_message() -> None:
    """However many they are."""
    body = f'{{"prompt": [{",".join(["7"] * (understand.MOST_MESSAGES + 1))}]}}'
    assert len(understand.request("completions", body.encode(), {}).messages) == 1


@pytest.mark.parametrize("stream", [True, False])
def test_choices_beyond_the_bound_are_left_out(stream: bool) -> None:
    """A provider cannot make an answer of a million messages."""
    choices = ",".join(f'{{"index":{n},"delta":{{"content":"x"}},"message":{{"content":"x"}}}}' for n in range(2000))
    body = f'{{"choices":[{choices}]}}'
    headers = {"content-type": "text/event-stream" if stream else "application/json"}
    found = understand.response("chat", 200, headers, f"data: {body}\n\n".encode() if stream else body.encode())
    assert len(found.choices) == MOST_CHOICES
