"""Anthropic's messages have the shape of any other conversation."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.chat import Citation, Media, Message, Request, Response, ToolCall, Usage
from backtalk.observe import understand

_STREAM = {"content-type": "text/event-stream; charset=utf-8"}
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"


def _request(**fields: Any) -> Request:
    body = {"model": "claude", "max_tokens": 10, **fields}
    return understand.request("messages", json.dumps(body).encode(), {})


def _answer(*blocks: dict[str, Any], reason: str = "end_turn", **usage: int) -> dict[str, Any]:
    counts = {"input_tokens": 5, "output_tokens": 7, **usage}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-1",
        "content": list(blocks),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": counts,
    }


def _understood(answer: dict[str, Any]) -> Response:
    return understand.response("messages", 200, {"content-type": "application/json"}, json.dumps(answer).encode())


def _events(answer: dict[str, Any], size: int) -> list[dict[str, Any]]:
    """The stream that brings an answer, texts in pieces of `size`."""
    start: dict[str, Any] = {
        **answer,
        "content": [],
        "stop_reason": None,
        "usage": {**answer["usage"], "output_tokens": 1},
    }
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(answer["content"]):
        events += _block_events(index, block, size)
    delta = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
    usage = {"output_tokens": answer["usage"]["output_tokens"]}
    return [*events, {"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


def _block_events(index: int, block: dict[str, Any], size: int) -> list[dict[str, Any]]:
    field = {"text": "text", "thinking": "thinking", "tool_use": "partial_json"}[block["type"]]
    delta = {"text": "text_delta", "thinking": "thinking_delta", "partial_json": "input_json_delta"}[field]
    text = json.dumps(block["input"]) if field == "partial_json" else block[field]
    empty: dict[str, Any] = {**block, "input": {}} if field == "partial_json" else {**block, field: ""}
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return [
        {"type": "content_block_start", "index": index, "content_block": empty},
        *({"type": "content_block_delta", "index": index, "delta": {"type": delta, field: piece}} for piece in pieces),
        {"type": "content_block_stop", "index": index},
    ]


def _stream(events: list[dict[str, Any]]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)


def test_the_system_prompt_is_a_system_message() -> None:
    """As a text or in blocks; what has a place of its own is no parameter."""
    asked = {"messages": [{"role": "user", "content": "hi"}], "stream": True, "metadata": {"user_id": "u"}}
    blocks = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    for system in ("Be brief.", blocks):
        found = _request(system=system, **asked)
        assert found.messages == (Message("system", "Be brief."), Message("user", "hi"))
        assert (found.user, found.stream, found.model) == ("u", True, "claude")
        assert found.params_json == '{"max_tokens":10,"metadata":{"user_id":"u"}}'


def test_tool_results_are_tool_messages() -> None:
    """Each one is its own message; what the person says beside them is theirs."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo", "a": 1}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "rain"}]}
    turn = [result, {"type": "text", "text": "and tomorrow?"}]
    found = _request(messages=[{"role": "assistant", "content": [call]}, {"role": "user", "content": turn}]).messages
    assert [message.role for message in found] == ["assistant", "tool", "user"]
    assert found[0].tool_calls == (ToolCall("toolu_1", "weather", '{"a":1,"city":"Oslo"}'),)
    assert (found[1].text, found[1].tool_call_id) == ("rain", "toolu_1")
    assert found[2] == Message("user", "and tomorrow?")


def test_the_moving_cache_mark_changes_no_message() -> None:
    """Clients mark the end of the cached prefix anew in each call."""
    block = {"type": "text", "text": "hi"}
    marked = _request(messages=[{"role": "user", "content": [{**block, "cache_control": {"type": "ephemeral"}}]}])
    assert marked.messages == _request(messages=[{"role": "user", "content": "hi"}]).messages


def test_pictures_are_kept_by_reference() -> None:
    """Hash, size and type; the bytes are nowhere."""
    source = {"type": "base64", "media_type": "image/png", "data": _PNG}
    turn = [{"type": "image", "source": source}, {"type": "text", "text": "what is it?"}]
    (message,) = _request(messages=[{"role": "user", "content": turn}]).messages
    (media,) = message.media
    assert (media.kind, media.media_type, media.size_bytes) == ("image", "image/png", 33)
    assert len(message.attachments) == 1
    assert _PNG not in (message.canonical or "")
    assert f"sha256:{media.sha256}" in (message.canonical or "")
    turn[0] = {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}
    (message,) = _request(messages=[{"role": "user", "content": turn}]).messages
    assert message.media == (Media("image", ref="https://x.example/a.png"),)


def test_an_answer_with_thoughts_and_tools_is_understood() -> None:
    """Thinking is reasoning, input counts what the cache read and wrote, the reason is in chat's words."""
    answer = _answer(
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}},
        reason="tool_use",
        cache_read_input_tokens=100,
        cache_creation_input_tokens=20,
    )
    found = _understood(answer)
    (message,) = found.choices
    assert (message.text, message.reasoning) == ("Let me look.", "hm")
    assert message.tool_calls == (ToolCall("toolu_1", "weather", '{"city":"Oslo"}'),)
    assert (found.id, found.model, found.finish_reasons) == ("msg_1", "claude-1", ("tool_calls",))
    assert found.usage == Usage(125, 7, cached_tokens=100, cache_write_tokens=20)


def test_citations_are_kept() -> None:
    """The pieces of a cited text are one text."""
    cited = {"type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "it rains"}
    answer = _answer({"type": "text", "text": "Today "}, {"type": "text", "text": "it rains.", "citations": [cited]})
    (message,) = _understood(answer).choices
    assert message.text == "Today it rains."
    assert message.citations == (Citation("web_search_result_location", "https://a.example", "A", "it rains"),)


def test_an_answer_that_is_sent_back_is_the_same_message() -> None:
    """Of the thoughts, which clients may drop, the chain of messages knows nothing."""
    text = {"type": "text", "text": "Hello!"}
    (given,) = _understood(_answer({"type": "thinking", "thinking": "hm", "signature": "s"}, text)).choices
    (sent,) = _request(messages=[{"role": "assistant", "content": [text]}]).messages
    assert (given.role, given.text, given.attachments, given.tool_calls) == (
        sent.role,
        sent.text,
        sent.attachments,
        sent.tool_calls,
    )


_BLOCKS = st.lists(
    st.fixed_dictionaries({"type": st.just("text"), "text": st.text()})
    | st.fixed_dictionaries({"type": st.just("thinking"), "thinking": st.text(), "signature": st.text()})
    | st.fixed_dictionaries(
        {
            "type": st.just("tool_use"),
            "id": st.text(min_size=1),
            "name": st.text(min_size=1),
            "input": st.dictionaries(st.text(), st.text() | st.integers(0, 9)),
        }
    ),
    min_size=1,
    max_size=4,
)


@given(_BLOCKS, st.integers(1, 9))
def test_a_stream_is_the_answer_it_would_have_been(blocks: list[dict[str, Any]], size: int) -> None:
    """Whatever the blocks and however they are cut."""
    answer = _answer(*blocks)
    streamed = understand.response("messages", 200, _STREAM, _stream(_events(answer, size)))
    assert streamed == _understood(answer)


def test_a_stream_that_was_cut_gives_what_came() -> None:
    """Text and usage so far, and no reason to have ended."""
    events = _events(_answer({"type": "text", "text": "one two three"}), 4)[:-4]
    found = understand.response("messages", 200, _STREAM, _stream(events))
    assert (found.text, found.finish_reasons) == ("one two thre", ("",))
    assert found.usage == Usage(5, 1)


def test_an_error_in_a_stream_is_an_error() -> None:
    """Overload is told in an event, after the 200."""
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    found = understand.response("messages", 200, _STREAM, _stream([event]))
    assert (found.error_type, found.error_message) == ("overloaded_error", "Overloaded")


def test_counting_tokens_uses_none() -> None:
    """The request is understood as for messages; the count is no usage."""
    body = json.dumps({"model": "claude", "messages": [{"role": "user", "content": "hi"}]}).encode()
    assert understand.request("count_tokens", body, {}).messages == (Message("user", "hi"),)
    assert understand.response("count_tokens", 200, {}, b'{"input_tokens": 14}') == Response()
