"""Pictures, speech and transcripts have prompts and results like any other call."""

import base64
import hashlib
import json
from typing import Any

from backtalk.model.chat import Media, Message, Response, Usage
from backtalk.observe import understand

_BYTES = bytes(range(64))
_TEXT = base64.b64encode(_BYTES).decode()
_SHA256 = hashlib.sha256(_BYTES).hexdigest()
_EVENTS = {"content-type": "text/event-stream"}


def _stream(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def test_a_picture_is_asked_for_and_kept_by_reference() -> None:
    """Usage is read where there is any."""
    asked = understand.request("images", b'{"model": "gpt-image-1", "prompt": "a cat", "n": 2}', {})
    assert (asked.messages, asked.choice_count) == ((Message("user", "a cat"),), 2)
    answer = {
        "data": [{"b64_json": _TEXT, "revised_prompt": "a small cat"}, {"url": "https://x.example/b.png"}],
        "output_format": "png",
        "usage": {"input_tokens": 3, "output_tokens": 9},
    }
    found = understand.response("images", 200, {"content-type": "application/json"}, json.dumps(answer).encode())
    first = Message("assistant", "a small cat", media=(Media("image", _SHA256, 64, "image/png"),))
    second = Message("assistant", media=(Media("image", None, None, "image/png", ref="https://x.example/b.png"),))
    assert found == Response(choices=(first, second), usage=Usage(3, 9))


def test_streamed_pictures_are_those_that_are_complete() -> None:
    """Partial ones are steps on the way."""
    body = _stream(
        {"type": "image_generation.partial_image", "b64_json": "QUJD" * 9},
        {"type": "image_generation.completed", "b64_json": _TEXT, "usage": {"input_tokens": 3, "output_tokens": 9}},
    )
    found = understand.response("images", 200, _EVENTS, body)
    assert [choice.media for choice in found.choices] == [(Media("image", _SHA256, 64),)]
    assert found.usage == Usage(3, 9)


def test_speech_is_a_sound() -> None:
    """The body as a whole, by reference; what is longer than the copy is known by the hash of the whole."""
    asked = understand.request("speech", b'{"model": "tts-1", "input": "hello", "voice": "alloy"}', {})
    assert asked.messages == (Message("user", "hello"),)
    assert asked.params_json == '{"voice":"alloy"}'
    headers = {"content-type": "audio/mpeg"}
    found = understand.response("speech", 200, headers, _BYTES)
    assert found.choices == (Message("assistant", media=(Media("audio", _SHA256, 64, "audio/mpeg"),)),)
    cut = understand.response("speech", 200, headers, b"beginning", sha256="ab", size_bytes=10_000)
    assert cut.choices[0].media == (Media("audio", "ab", 10_000, "audio/mpeg"),)


def test_a_transcription_is_a_form_and_a_text() -> None:
    """The sound by reference, the text as the answer, in JSON, as plain text and streamed."""
    head = b'--b\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n'
    parts = [head % (b"model", b"") + b"whisper-1", head % (b"file", b'; filename="a.wav"') + _BYTES]
    body = b"\r\n".join([*parts, b"--b--\r\n"])
    asked = understand.request("transcriptions", body, {"content-type": "multipart/form-data; boundary=b"})
    assert asked.model == "whisper-1"
    assert asked.messages[0].media == (Media("file", _SHA256, 64, None, "a.wav"),)
    assert asked.not_understood is None
    done = {"type": "transcript.text.done", "text": "hello there", "usage": {"input_tokens": 1, "output_tokens": 2}}
    streamed = _stream({"type": "transcript.text.delta", "delta": "hello "}, done)
    for headers, answer in [
        ({"content-type": "application/json"}, b'{"text": "hello there"}'),
        ({"content-type": "text/plain"}, b"hello there"),
        (_EVENTS, streamed),
    ]:
        assert understand.response("transcriptions", 200, headers, answer).text == "hello there"
    assert understand.response("transcriptions", 200, _EVENTS, streamed).usage == Usage(1, 2)


def test_a_downloaded_file_is_kept_by_reference() -> None:
    """Of any API that gives out files."""
    found = understand.response("files", 200, {"content-type": "application/octet-stream"}, _BYTES)
    assert found.choices == (Message("assistant", media=(Media("file", _SHA256, 64, "application/octet-stream"),)),)
    assert understand.response("chat", 200, {"content-type": "text/html"}, b"<html>").not_understood
