"""What goes into litellm and what comes out, as plain values."""

import json
import struct
from base64 import b64decode
from typing import Any

import pytest

from backtalk.errors import RequestError
from backtalk.relay import translated
from backtalk.relay.translated import ChatEvents, ResponseEvents


def chunk(content: str | None = None, *, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk as litellm dumps it."""
    choice: dict[str, Any] = {"index": 0, "delta": {"content": content} if content else {}}
    return {"id": "c", "choices": [choice | ({"finish_reason": finish} if finish else {})], **more}


USAGE: dict[str, Any] = {"id": "c", "choices": [], "usage": {"n": 1}}


def said(events: list[bytes]) -> list[Any]:
    """The data of events."""
    data = [event.split(b"data: ")[1].strip() for event in events]
    return [None if one == b"[DONE]" else json.loads(one) for one in data]


def test_only_listed_fields_reach_litellm() -> None:
    """What OpenAI alone knows is left out, what changes an answer passes as it is."""
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"top_p":0.5,"metadata":{"a":"b"},"store":true}'
    assert translated.arguments("chat", body) == {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
        "top_p": 0.5,
    }


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model":"\xff"}', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    """It is the client's fault, whatever it is."""
    with pytest.raises(RequestError, match="no JSON object"):
        translated.arguments("chat", body)


def test_a_field_that_would_be_lost_is_refused_by_its_name() -> None:
    """A client is not left to wonder why nothing changed."""
    with pytest.raises(RequestError) as caught:
        translated.arguments("embeddings", b'{"model":"m","input":"x","api_base":"http://evil"}')
    assert (caught.value.param, caught.value.status) == ("api_base", 400)


def test_usage_that_was_not_asked_for_stands_on_the_last_chunk_of_content() -> None:
    """Clients that index `choices[0]` see no chunk without one; what the answer cost is known all the same."""
    events = ChatEvents(with_usage=False)
    out = [event for one in (chunk("a"), chunk(finish="stop"), USAGE) for event in events.of(one)]
    first, last, done = said([*out, *events.end()])
    assert (first["choices"][0]["finish_reason"], first["choices"][0]["delta"]) == (None, {"content": "a"})
    assert (last["choices"][0]["finish_reason"], last["usage"], done) == ("stop", {"n": 1}, None)


def test_usage_that_was_asked_for_is_a_chunk_of_its_own() -> None:
    """As OpenAI sends it: after the finish reason, without choices."""
    events = ChatEvents(with_usage=True)
    out = [event for one in (chunk(finish="stop"), USAGE) for event in events.of(one)]
    last, usage, done = said([*out, *events.end()])
    assert ("usage" in last, usage, done) == (False, {"id": "c", "choices": [], "usage": {"n": 1}}, None)


def test_a_finish_reason_is_never_lost() -> None:
    """Where no usage follows, the last chunk comes at the end; with several choices each has its own."""
    events = ChatEvents(with_usage=False)
    out = [event for one in (chunk(finish="stop"), chunk(finish="length")) for event in events.of(one)]
    reasons = [one["choices"][0]["finish_reason"] for one in said([*out, *events.end()]) if one]
    assert reasons == ["stop", "length"]


def test_events_of_responses_are_named_by_their_type() -> None:
    """No `[DONE]` follows: the last event says so."""
    assert list(ResponseEvents().of({"type": "a.b", "x": 1})) == [b'event: a.b\ndata: {"type":"a.b","x":1}\n\n']
    assert list(ResponseEvents().end()) == []


def test_a_whole_answer_has_the_fields_that_openai_always_sends() -> None:
    """`content` and `logprobs` are null rather than missing; fields of litellm's own that say nothing are gone."""
    message = {"role": "assistant", "provider_specific_fields": {"citations": None}}
    value = json.loads(translated.document("chat", {"choices": [{"message": message}]}))
    assert value == {"choices": [{"message": {"role": "assistant", "content": None}, "logprobs": None}]}


def test_vectors_are_packed_where_base64_was_asked_for() -> None:
    """Little-endian float32, as OpenAI's clients unpack them."""
    value = {"data": [{"embedding": [0.5, -1.0]}]}
    packed = json.loads(translated.document("embeddings", value, as_base64=True))["data"][0]["embedding"]
    assert struct.unpack("<2f", b64decode(packed)) == (0.5, -1.0)


def test_paths_without_a_translation_are_refused() -> None:
    """The error names those that have one."""
    assert translated.operation("/v1/chat/completions/") == "chat"
    with pytest.raises(RequestError, match="/v1/embeddings"):
        translated.operation("/v1/audio/speech")


@pytest.mark.parametrize("model", ["huggingface/http://127.0.0.1/x", "https://elsewhere", None, 1])
def test_a_model_that_is_an_address_is_refused(model: object) -> None:
    """A client does not choose where a call goes."""
    with pytest.raises(RequestError, match="not a URL"):
        translated.check_model(model)
