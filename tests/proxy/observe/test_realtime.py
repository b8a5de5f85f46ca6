"""A realtime session is one conversation."""

import json
from typing import Any, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtalk.model.chat import Request, ToolCall, Usage
from backtalk.observe.realtime import Session
from backtalk.testing.json_values import as_object

_SESSION = {
    "type": "realtime",
    "model": "gpt-realtime",
    "instructions": "Be kind.",
    "tools": [{"type": "function", "name": "weather"}],
    "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}}},
}
_SOUND = {"type": "input_audio_buffer.append", "audio": "QUJD" * 1000}


def _session(*events: tuple[Literal["client", "server"], dict[str, Any]]) -> Session:
    session = Session(lambda wanted: wanted)
    for side, event in events:
        session.event(side, json.dumps(event).encode())
    return session


def _item(name: str, role: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "object": "realtime.item", "type": "message", "role": role, "content": list(content)}


def _done(name: str, *output: dict[str, Any], status: str = "completed", **counts: int) -> dict[str, Any]:
    usage = {"input_tokens": 10, "output_tokens": 4, "input_token_details": {"cached_tokens": 2}, **counts}
    response = {"id": name, "status": status, "output": list(output), "usage": usage}
    return {"type": "response.done", "response": response}


def _heard(name: str, words: str) -> dict[str, Any]:
    return {"type": "conversation.item.input_audio_transcription.completed", "item_id": name, "transcript": words}


def test_a_spoken_conversation_is_read_by_its_transcripts() -> None:
    """What was heard, what was said, what was called; the last answer is the response, and usage is the sum."""
    call = {"id": "i3", "type": "function_call", "name": "weather", "call_id": "c1", "arguments": "{}"}
    result = {"id": "i4", "type": "function_call_output", "call_id": "c1", "output": "rain"}
    answer = _item("i2", "assistant", {"type": "output_audio", "transcript": "Hello! What can I do?"})
    last = _item("i5", "assistant", {"type": "output_audio", "transcript": "It rains."})
    session = _session(
        ("server", {"type": "session.created", "session": _SESSION}),
        ("client", _SOUND),
        ("server", {"type": "conversation.item.added", "item": _item("i1", "user", {"type": "input_audio"})}),
        ("server", _heard("i1", "Good morning.")),
        ("server", {"type": "response.output_audio.delta", "item_id": "i2", "delta": "QUJD"}),
        ("server", {"type": "response.output_audio_transcript.delta", "item_id": "i2", "delta": "Hello!"}),
        ("server", _done("resp_1", answer, call)),
        ("client", {"type": "conversation.item.create", "item": result}),
        ("server", {"type": "conversation.item.added", "item": result}),
        ("server", _done("resp_2", last)),
    )
    request, response = session.request(Request()), session.response()
    assert [(m.role, m.text) for m in request.messages] == [
        ("system", "Be kind."),
        ("user", "Good morning."),
        ("assistant", "Hello! What can I do?"),
        ("tool", "rain"),
    ]
    assert request.messages[2].tool_calls == (ToolCall("c1", "weather", "{}"),)
    assert (request.model, request.stream, request.not_understood) == ("gpt-realtime", True, None)
    assert (response.id, response.text, response.finish_reasons) == ("resp_2", "It rains.", ("stop",))
    assert response.usage == Usage(20, 8, cached_tokens=4)
    assert "QUJD" not in str(request)
    params = json.loads(request.params_json)
    assert params["events"]["client"] == {"conversation.item.create": 1, "input_audio_buffer.append": 1}
    assert params["session"]["audio"] == _SESSION["audio"]


def test_a_written_conversation_is_read_by_its_texts() -> None:
    """Also in the names of the first version of the API."""
    session = _session(
        (
            "server",
            {"type": "conversation.item.created", "item": _item("a", "user", {"type": "input_text", "text": "hi"})},
        ),
        ("server", _done("r", _item("b", "assistant", {"type": "text", "text": "hello"}), status="cancelled")),
    )
    assert [(m.role, m.text) for m in session.request(Request()).messages] == [("user", "hi")]
    assert (session.response().text, session.response().finish_reasons) == ("hello", ("cancelled",))


def test_an_answer_that_was_cut_has_the_words_that_came() -> None:
    """The session ended in the middle of it."""
    session = _session(
        ("server", {"type": "response.output_item.added", "item": _item("b", "assistant")}),
        ("server", {"type": "response.output_audio_transcript.delta", "item_id": "b", "delta": "Once "}),
        ("server", {"type": "response.output_audio_transcript.delta", "item_id": "b", "delta": "upon"}),
    )
    assert (session.response().text, session.response().finish_reasons) == ("Once upon", ("",))


def test_an_error_is_the_sessions() -> None:
    """The last one stands."""
    session = _session(("server", {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}))
    assert (session.response().error_type, session.response().error_message) == ("invalid_request_error", "no")


def test_a_budget_that_is_used_up_ends_the_understanding() -> None:
    """What was understood before stands; events are still counted."""
    left = [40]

    def take(wanted: int) -> int:
        granted = min(wanted, left[0])
        left[0] -= granted
        return granted

    session = Session(take)
    for _ in range(3):
        session.event("server", json.dumps(_heard("a", "twenty characters ...")).encode())
    assert session.taken_bytes == 40
    assert session.request(Request()).not_understood == "the sessions that are open hold too much to keep more"
    assert '{"conversation.item.input_audio_transcription.completed":3}' in session.request(Request()).params_json


_KINDS = ["session.updated", "response.done", "error", "conversation.item.added", "response.text.delta", "x.completed"]
_ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["item", "response", "id", "content", "output", "usage", "session", "type", "role", "delta"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(["client", "server"]), st.sampled_from(_KINDS), _ODD, st.binary(max_size=20)))
)
def test_any_events_raise_nothing(events: list[tuple[Literal["client", "server"], str, Any, bytes]]) -> None:
    """Wrong types at any place, and what is no JSON."""
    session = Session(lambda wanted: wanted)
    for side, kind, fields, raw in events:
        more = as_object(fields) or {"item": fields, "response": fields, "item_id": "a"}
        session.event(side, json.dumps({**more, "type": kind}).encode())
        session.event(side, raw)
    session.request(Request())
    session.response()
