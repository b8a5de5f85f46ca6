"""Capture mode `none`: no word of a call is kept, and what is equal stays equal."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.chat import Request, Response
from backtalk.model.exchange import RequestHead
from backtalk.model.frames import Closed, Opened, Requested, decode
from backtalk.model.meter import NoMeter
from backtalk.model.notes import CallNotes
from backtalk.observe.blind import Blind, read_request, read_response
from backtalk.observe.call import Call, Observer
from backtalk.observe.context import context_of
from backtalk.observe.open_calls import OpenCalls
from backtalk.observe.tee import Body
from backtalk.settings import CaptureSettings, Settings

BLIND = Blind(b"s" * 32, "x-session-id")
FIELDS = [(b"content-type", b"application/json")]
HEAD = RequestHead("POST", "/v1/chat/completions", b"/v1/chat/completions", b"", FIELDS, dict(FIELDS))
WORDS = "canary"
TOOL_CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": f'{{"q": "{WORDS}"}}'}}
ASKED: dict[str, Any] = {
    "model": "m",
    "temperature": 0.5,
    "stop": [WORDS],
    "metadata": {"session_id": "s1", "note": WORDS},
    "tools": [{"type": "function", "function": {"name": WORDS}}],
    "messages": [
        {"role": "system", "content": WORDS},
        {"role": "user", "name": WORDS, "content": [{"type": "text", "text": WORDS}, {"type": WORDS, "x": WORDS}]},
        {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL], "reasoning_content": WORDS},
        {"role": "tool", "tool_call_id": "c1", "content": WORDS},
    ],
}
ANSWERED: dict[str, Any] = {
    "id": "chatcmpl-1",
    "model": "m-1",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": WORDS, "refusal": WORDS},
            "logprobs": {"content": [{"token": WORDS, "logprob": -0.1}]},
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}


def _body(value: object) -> Body:
    raw = json.dumps(value).encode()
    return Body(raw, len(raw), None, "full")


def _asked(value: object, tenant: str = "t") -> Request:
    return read_request(BLIND.request(tenant, HEAD, [], _body(value)).kept)


def test_no_word_of_a_request_is_kept_and_its_shape_is() -> None:
    """Model, roles, tool names' calls, numbers and the session's name stay."""
    hidden = BLIND.request("t", HEAD, [], _body(ASKED))
    request = read_request(hidden.kept)
    assert WORDS.encode() not in hidden.kept
    assert (hidden.capture, hidden.size_bytes, hidden.sha256) == ("none", len(json.dumps(ASKED)), None)
    assert (request.model, request.declared_session, request.params_json) == ("m", "s1", '{"temperature":0.5}')
    assert [message.role for message in request.messages] == ["system", "user", "assistant", "tool"]
    assert request.messages[2].tool_calls[0].name == "look"


def test_no_word_of_a_response_is_kept_and_its_figures_are() -> None:
    """Id, model, finish reasons and token counts stay."""
    hidden = BLIND.response("t", HEAD, 200, [], _body(ANSWERED))
    response = read_response(hidden.kept)
    assert WORDS.encode() not in hidden.kept
    assert (response.id, response.model, response.finish_reasons) == ("chatcmpl-1", "m-1", ("stop",))
    assert response.usage is not None
    assert response.usage.output_tokens == 2


def test_an_answer_has_the_same_hash_when_it_is_sent_back() -> None:
    """So sessions are found; another tenant's equal text has another hash."""
    answer = read_response(BLIND.response("t", HEAD, 200, [], _body(ANSWERED)).kept).choices[0]
    again = {"messages": [{"role": "assistant", "content": f" {WORDS}\n"}]}
    assert _asked(again).messages[0].text == answer.text
    assert _asked(again, "other").messages[0].text != answer.text


@given(st.binary() | st.text().map(str.encode))
def test_any_body_is_hidden_or_said_not_to_be_understood(raw: bytes) -> None:
    """It runs in the middle of a call: nothing raises."""
    body = Body(raw, len(raw), None, "full")
    assert isinstance(read_request(BLIND.request("t", HEAD, [], body).kept), Request)
    assert isinstance(read_response(BLIND.response("t", HEAD, 200, [], body).kept), Response)


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_calls_frames_hold_hashes_and_are_understood_by_the_worker(pieces: int) -> None:
    """The opening has no body, the hidden one follows, and so does the response's."""
    sent: list[bytes] = []

    class _Sink:
        def offer(self, payload: bytes, /) -> bool:
            sent.append(payload)
            return True

    settings = Settings(capture=CaptureSettings(mode="none"))
    observer = Observer(sink=_Sink(), secret=b"s" * 32, settings=settings, metrics=NoMeter())
    call = Call(observer, HEAD, context_of([]), CallNotes("", ""))
    raw = json.dumps(ASKED).encode()
    for number in range(pieces):
        part = raw[len(raw) * number // pieces : len(raw) * (number + 1) // pieces]
        call.request_piece(part, more=number + 1 < pieces)
    call.response_head(200, [(b"content-type", b"application/json")])
    call.response_piece(json.dumps(ANSWERED).encode())
    call.close("completed")

    assert WORDS.encode() not in b"".join(sent)
    opened, requested, closed = map(decode, sent)
    assert isinstance(opened, Opened)
    assert isinstance(requested, Requested)
    assert isinstance(closed, Closed)
    calls = OpenCalls("x-session-id", NoMeter())
    assert calls.open("p", opened) is None
    announced, ended = calls.complete(requested), calls.close(closed)
    assert announced is not None
    assert announced.request.model == "m"
    assert ended is not None
    assert (ended.end.request_capture, ended.end.response_capture) == ("none", "none")
    assert ended.end.response.id == "chatcmpl-1"
