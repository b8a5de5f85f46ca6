"""The scripted provider: a real server that does what it is told, and keeps what it received."""

import gzip
import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.testing import answers
from backtalk.testing.behaviour import PRESETS, Behaviour, as_header, steered
from backtalk.testing.examples import example
from backtalk.testing.provider import Provider, running_provider
from backtalk.testing.waiting import wait_until

_CHAT = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}]}


def _ask(provider: Provider, body: Any = None, path: str = "/chat/completions", **headers: str) -> tuple[int, bytes]:
    place = urlsplit(provider.url)
    connection = http.client.HTTPConnection(place.netloc, timeout=10)
    try:
        raw = body if isinstance(body, bytes) else json.dumps(_CHAT if body is None else body).encode()
        connection.request("POST", place.path + path, raw, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_same_request_gets_the_same_answer_under_another_id() -> None:
    """Everything but the id is deterministic."""
    with running_provider() as provider:
        one, two = (json.loads(_ask(provider)[1]) for _ in range(2))
    assert one.pop("id") != two.pop("id")
    assert one == two


def test_what_was_received_is_kept_as_it_came() -> None:
    """Headers, body bytes and their hash, chunked ones too."""
    with running_provider() as provider:
        _ask(provider, b'{"model": "x",  "unknown": "\\u00e9"}', x_one="1")
        place = urlsplit(provider.url)
        connection = http.client.HTTPConnection(place.netloc, timeout=10)
        connection.request("POST", "/v1/embeddings", iter([b'{"input"', b':"a"}']), encode_chunked=True)
        connection.getresponse().read()
        connection.close()
        whole, chunked = provider.wait_for_exchanges(2)
    assert whole.body == b'{"model": "x",  "unknown": "\\u00e9"}'
    assert whole.header("X_One") == "1"
    assert (chunked.body, chunked.body_bytes) == (b'{"input":"a"}', 13)


@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_scripted_body_arrives_in_any_framing(size: int | None, framing: Any) -> None:
    """Exactly the bytes of the script."""
    raw = bytes(range(256))
    with running_provider() as provider:
        provider.script(Behaviour(raw_body=raw, write_bytes=size, framing=framing))
        assert _ask(provider) == (200, raw)


def test_held_responses_wait_for_their_release() -> None:
    """And the exchange says how it ended."""
    with running_provider(Behaviour(hold=True)) as provider:
        place = urlsplit(provider.url)
        with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
            wait_until(lambda: provider.held == 1, what="a held response")
            assert provider.exchanges[0].outcome == "answering"
            provider.release()
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
        wait_until(lambda: provider.exchanges[0].outcome == "answered", what="the end of the exchange")


def test_a_client_that_leaves_is_noticed() -> None:
    """While the response is held."""
    with running_provider(Behaviour(hold=True)) as provider:
        place = urlsplit(provider.url)
        with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
            wait_until(lambda: provider.held == 1, what="a held response")
        wait_until(lambda: provider.exchanges[0].outcome == "client_gone", what="the client's leaving")
        assert provider.held == 0


def test_a_cut_stops_in_the_middle() -> None:
    """The client sees an incomplete body."""
    with running_provider(Behaviour(cut_after_bytes=50)) as provider:
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            _ask(provider)
        wait_until(lambda: provider.exchanges[0].outcome == "cut", what="the cut")


def test_gzip_streams_carry_the_same_events() -> None:
    """Compressed as a whole, marked as such."""
    body = _CHAT | {"stream": True}
    with running_provider() as provider:
        plain = _ask(provider, body)[1]
        packed = gzip.decompress(_ask(provider, body, **{"x-script": as_header(Behaviour(gzip=True))})[1])
    assert packed.count(b"data: ") == plain.count(b"data: ")


def test_a_request_can_ask_for_its_behaviour() -> None:
    """By header, by metadata, by model."""
    script = Behaviour(status=418)
    assert steered({"x-script": as_header(script)}, {}) == script
    assert steered({}, {"metadata": {"script": as_header(script)}}) == script
    assert steered({}, {"model": "scripted-status-418"}) == script
    assert steered({}, {"model": "scripted-slow"}) == PRESETS["scripted-slow"]
    assert steered({}, {"model": "gpt"}) is None


@given(st.text(), st.integers(min_value=1, max_value=9))
def test_pieces_joined_are_the_text(text: str, words: int) -> None:
    """Nothing is lost or added by cutting."""
    assert "".join(answers.pieces(text, words)) == text


def test_an_example_satisfies_its_schema() -> None:
    """References, unions, lists and enums."""
    schema = {
        "$defs": {"point": {"type": "object", "properties": {"x": {"type": "number"}}}},
        "type": "object",
        "properties": {
            "points": {"type": "array", "items": {"$ref": "#/$defs/point"}},
            "colour": {"enum": ["red"]},
            "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "fixed": {"const": 4},
            "many": {"type": ["integer", "null"]},
        },
    }
    assert example(schema) == {"points": [{"x": 0.5}], "colour": "red", "maybe": None, "fixed": 4, "many": 7}


_MESSAGES: Any = {
    "model": "scripted",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
}
_TOOL: Any = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}


def test_messages_are_answered_in_the_dialect_of_anthropic() -> None:
    """An echo; with a tool its use; after the tool's result an echo again."""
    with running_provider() as provider:
        plain = _message(provider, _MESSAGES)
        use = _message(provider, _MESSAGES | {"tools": [_TOOL]})
        result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use["content"][0]["id"]}]}
        history = [*_MESSAGES["messages"], {"role": "assistant", "content": use["content"]}, result]
        after = _message(provider, _MESSAGES | {"tools": [_TOOL], "messages": history})
    assert plain["content"] == [{"type": "text", "text": "The scripted provider heard: hello"}]
    assert (use["stop_reason"], use["content"][0]["input"]) == ("tool_use", {"city": "scripted"})
    assert (after["stop_reason"], after["content"][0]["type"]) == ("end_turn", "text")


def test_streamed_messages_put_together_are_the_message() -> None:
    """Text by text, arguments by parts of their JSON."""
    with running_provider() as provider:
        for body, field in ((_MESSAGES, "text"), (_MESSAGES | {"tools": [_TOOL]}, "partial_json")):
            whole = _message(provider, body)["content"][0]
            _, events = _ask(provider, body | {"stream": True}, "/messages")
            deltas = [json.loads(line[6:]).get("delta", {}) for line in events.splitlines() if line[:6] == b"data: "]
            joined = "".join(delta.get(field, "") for delta in deltas)
            assert (joined if field == "text" else json.loads(joined)) == whole.get("text", whole.get("input"))


def test_tokens_of_messages_are_counted_and_errors_have_anthropics_shape() -> None:
    """What the client's own methods read."""
    with running_provider() as provider:
        _, counted = _ask(provider, _MESSAGES, "/messages/count_tokens")
        status, refused = _ask(provider, _MESSAGES | {"model": "scripted-status-429"}, "/messages")
    assert json.loads(counted)["input_tokens"] > 0
    assert (status, json.loads(refused)["error"]["type"]) == (429, "rate_limit_error")


def _message(provider: Provider, body: Any) -> Any:
    status, answer = _ask(provider, body, "/messages")
    assert status == 200
    return json.loads(answer)


def test_a_model_may_be_treated_in_its_own_way() -> None:
    """Whatever else is the default; what a request asks for itself comes first."""
    with running_provider() as provider:
        provider.models["small"] = Behaviour(text="No idea.")
        with openai.OpenAI(base_url=provider.url, api_key="sk-x", max_retries=0) as client:
            said = [
                client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}])
                for model in ("small", "other")
            ]
    texts = [one.choices[0].message.content or "" for one in said]
    assert texts[0] == "No idea."
    assert "Hi" in texts[1]
