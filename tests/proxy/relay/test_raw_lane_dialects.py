"""Each dialect's bytes pass untouched, and what the worker makes of them is a call like any other."""

import json

import pytest

from backtalk.model.chat import Media, Usage
from backtalk.model.facts import CallClosed
from backtalk.model.meter import NoMeter
from backtalk.observe.open_calls import OpenCalls
from backtalk.testing.raw_upstream import Conversation, RawRequest, Script
from backtalk.testing.running import FrameList, relaying

_KEY = "sk-secret-of-the-dialect"
_JSON = (("content-type", "application/json"),)


def _saying(head: bytes, *pieces: bytes) -> Script:
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]

    async def script(conversation: Conversation, _request: RawRequest) -> None:
        head_lines = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n" % head
        await conversation.say(head_lines, *chunks, b"0\r\n\r\n")

    return script


def _understood(frames: FrameList) -> CallClosed:
    """What the worker makes of the frames of one call."""
    calls = OpenCalls("x-session-id", NoMeter())
    calls.open("proxy", frames.opened[0])
    for requested in frames.requested:
        calls.complete(requested)
    ended = calls.close(frames.closed[0])
    assert ended is not None
    return ended.end


@pytest.mark.anyio
async def test_ollamas_stream_of_lines_passes_and_is_understood() -> None:
    """Its path is absolute at the upstream."""
    lines = [
        json.dumps({"model": "llama", "message": {"role": "assistant", "content": text}, "done": False}).encode()
        + b"\n"
        for text in ("Hel", "lo")
    ]
    last = b'{"model":"llama","message":{"content":""},"done":true,"done_reason":"stop","eval_count":2}\n'
    body = json.dumps({"model": "llama", "messages": [{"role": "user", "content": "hi"}]}).encode()
    frames = FrameList()
    async with relaying(_saying(b"application/x-ndjson", *lines, last), frames) as (upstream, client):
        response = await client.request("POST", "/api/chat", body, fields=_JSON)
        assert response.body == b"".join([*lines, last])
        assert upstream.requests[0].line == b"POST /api/chat HTTP/1.1"
    end = _understood(frames)
    assert (end.opened.api, end.opened.request.stream, end.response.text) == ("ollama_chat", True, "Hello")
    assert end.response.usage == Usage(output_tokens=2)


@pytest.mark.anyio
async def test_a_form_with_a_file_passes_and_its_fields_are_understood() -> None:
    """The file is known by name, size and hash."""
    sound = bytes(range(256)) * 100
    head = b'--b\r\ncontent-disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
    body = head % (b"model", b"", b"whisper-1") + head % (b"file", b'; filename="a.wav"', sound) + b"--b--\r\n"
    kind = (("content-type", "multipart/form-data; boundary=b"), ("api-key", _KEY))
    path = "/openai/deployments/whisper/audio/transcriptions?api-version=2024-10-21"
    frames = FrameList()
    async with relaying(_saying(b"application/json", b'{"text": "beep"}'), frames) as (upstream, client):
        assert (await client.request("POST", path, body, fields=kind)).body == b'{"text": "beep"}'
        assert upstream.requests[0].body == body
        assert upstream.requests[0].line == f"POST {path} HTTP/1.1".encode()
        assert upstream.requests[0].values(b"api-key") == [_KEY.encode()]
    end = _understood(frames)
    assert (end.opened.api, end.opened.request.model, end.response.text) == ("transcriptions", "whisper-1", "beep")
    (media,) = end.opened.request.messages[0].media
    assert (media.name, media.size_bytes) == ("a.wav", len(sound))
    assert all(_KEY.encode() not in raw for raw in frames.raw)


@pytest.mark.anyio
async def test_binary_answers_pass_and_are_known_by_their_hash() -> None:
    """A stream of sound, larger than what is copied."""
    sound = bytes(range(256)) * 64
    frames = FrameList()
    capture = {"call_bytes": 1000}
    async with relaying(_saying(b"audio/mpeg", sound[:5000], sound[5000:]), frames, capture=capture) as (_, client):
        asked = b'{"model": "tts-1", "input": "hi", "voice": "alloy"}'
        assert (await client.request("POST", "/v1/audio/speech", asked, fields=_JSON)).body == sound
    end = _understood(frames)
    (media,) = end.response.choices[0].media
    assert (media.kind, media.size_bytes, media.media_type) == ("audio", len(sound), "audio/mpeg")
    assert media == Media("audio", frames.closed[0].body_sha256, len(sound), "audio/mpeg")


@pytest.mark.anyio
async def test_our_own_refusal_is_in_the_words_of_the_path() -> None:
    """Whoever speaks Anthropic's or Ollama's dialect is answered in it."""
    async with relaying(_saying(b"text/plain", b"")) as (upstream, client):
        native = await client.request("POST", "/v1/messages/%2e%2e/x", b"{}")
        assert (native.status, json.loads(native.body)["error"]["code"]) == (400, "bad_path")
        refused = await client.request("TRACE", "/v1/messages")
        shown = json.loads(refused.body)
        assert (shown["type"], shown["error"]["trace_id"]) == ("error", refused.value("x-trace-id"))
        ollama = await client.request("TRACE", "/api/chat")
        assert isinstance(json.loads(ollama.body)["error"], str)
    assert upstream.requests == []


@pytest.mark.anyio
async def test_what_is_not_known_passes_and_is_recorded_with_the_reason() -> None:
    """A new path is plain HTTP; a chat that is no JSON says so."""
    frames = FrameList()
    async with relaying(_saying(b"application/octet-stream", b"\x00\x01"), frames) as (_, client):
        assert (await client.request("POST", "/v1/brand_new/thing", b"\xff")).body == b"\x00\x01"
    end = _understood(frames)
    assert (end.opened.api, end.opened.request.not_understood, end.outcome) == ("other", None, "completed")
    frames = FrameList()
    async with relaying(_saying(b"text/html", b"<html>"), frames) as (_, client):
        await client.request("POST", "/v1/chat/completions", b"\xff")
    end = _understood(frames)
    assert end.opened.request.not_understood is not None
    assert end.opened.request.not_understood.startswith("the body is not JSON")
    assert end.response.not_understood
