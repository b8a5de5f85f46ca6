"""Messages as the conventions' JSON."""

import json

from hypothesis import given
from hypothesis import strategies as st

from backtalk.export.content import MESSAGE_LIMIT, choices_json, instructions_json, messages_json, tools_json
from backtalk.model.chat import Media, Message, ToolCall

ROOM = 65_536


def test_text_and_tools_are_parts() -> None:
    """Texts, tool calls and their results have the parts of the conventions."""
    call = ToolCall("c1", "weather", '{"city":"Bern"}')
    messages = (
        Message("user", "Hi"),
        Message("assistant", tool_calls=(call,)),
        Message("tool", "sunny", tool_call_id="c1"),
    )
    assert json.loads(messages_json(messages, ROOM).json) == [
        {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": '{"city":"Bern"}'}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "sunny"}]},
    ]


def test_choices_have_finish_reasons() -> None:
    """A choice that gave no reason was cut."""
    choices = (Message("assistant", "a"), Message("assistant", "b"))
    listed = json.loads(choices_json(choices, ("stop",), ROOM).json)
    assert [choice["finish_reason"] for choice in listed] == ["stop", "error"]


def test_instructions_are_parts_alone() -> None:
    """The system prompt of an API that has a field for it."""
    assert json.loads(instructions_json(Message("system", "Be brief."), ROOM).json) == [
        {"type": "text", "content": "Be brief."}
    ]


def test_long_texts_are_cut_before_they_are_encoded() -> None:
    """What fits is whole; what does not says so, and stays JSON."""
    assert not messages_json((Message("user", "x" * 30_000),), ROOM).cut
    long = messages_json((Message("user", '"' * 100_000), Message("user", "short")), ROOM)
    assert long.cut
    assert len(long.json) <= ROOM
    first, second = json.loads(long.json)
    assert first["parts"][0]["content"].endswith("…")
    assert second["parts"][0]["content"] == "short"


def test_of_a_long_history_the_newest_are_kept() -> None:
    """By their number first, by their size where that is not enough."""
    many = tuple(Message("user", f"m{number}") for number in range(1_000))
    kept = messages_json(many, ROOM)
    assert kept.cut
    assert len(json.loads(kept.json)) == MESSAGE_LIMIT
    fewer = json.loads(messages_json(many, 1_024).json)
    assert fewer[-1]["parts"][0]["content"] == "m999"
    assert 4 < len(fewer) < MESSAGE_LIMIT


_TEXTS = st.text(max_size=3_000)
_MESSAGES = st.builds(
    Message,
    st.sampled_from(["user", "assistant", "tool", "system", ""]),
    _TEXTS,
    tool_calls=st.lists(st.builds(ToolCall, _TEXTS, _TEXTS, _TEXTS), max_size=3).map(tuple),
    reasoning=st.none() | _TEXTS,
    refusal=st.none() | _TEXTS,
    tool_call_id=st.none() | _TEXTS,
    media=st.lists(st.builds(Media, st.just("image"), ref=st.none() | _TEXTS, name=st.none() | _TEXTS), max_size=3).map(
        tuple
    ),
)


@given(st.lists(_MESSAGES, max_size=12).map(tuple), st.integers(1_024, 20_000))
def test_whatever_is_cut_the_json_is_whole_and_fits(messages: tuple[Message, ...], limit_bytes: int) -> None:
    """Whoever reads the attribute can parse it, and no receiver's limit is exceeded."""
    for made in (
        messages_json(messages, limit_bytes),
        choices_json(messages, (), limit_bytes),
        *(instructions_json(message, limit_bytes) for message in messages[:1]),
    ):
        assert isinstance(json.loads(made.json), list)
        assert len(made.json.encode()) <= limit_bytes
        assert made.value == json.loads(made.json)
    assert messages_json(messages, 1 << 30).cut == any(
        len(text) > 32_768 for message in messages for text in (message.text, message.reasoning or "")
    )


def test_tools_are_listed_side_by_side() -> None:
    """OpenAI's nested function, Anthropic's input schema and a provider's own tool have type and name alike."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    given_tools = [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema}},
        {"name": "g", "input_schema": schema},
        {"type": "web_search"},
        {"type": "mcp", "server_label": "files"},
    ]
    assert json.loads(tools_json(json.dumps(given_tools), ROOM).json) == [
        {"type": "function", "name": "f", "description": "d", "parameters": schema},
        {"type": "function", "name": "g", "parameters": schema},
        {"type": "web_search", "name": "web_search"},
        {"type": "mcp", "name": "files"},
    ]


def test_too_many_tools_are_told_by_name() -> None:
    """Schemas go first; the JSON stays whole."""
    tools = [{"type": "function", "function": {"name": f"f{n}", "description": "x" * 500}} for n in range(100)]
    made = tools_json(json.dumps(tools), 4_096)
    assert made.cut
    assert json.loads(made.json)[-1] == {"type": "function", "name": "f99"}
    assert json.loads(tools_json("no json", ROOM).json) == []
    assert json.loads(tools_json('"ab12"', ROOM).json) == []


def test_media_are_parts_by_reference() -> None:
    """An address, a provider's file, or the hash of bytes that were sent along."""
    media = (
        Media("image", ref="https://x.example/a.png"),
        Media("file", ref="file-1", name="a.pdf"),
        Media("audio", "ab", 7, "audio/wav"),
    )
    (message,) = json.loads(messages_json((Message("user", attachments=("1", "2", "3"), media=media),), ROOM).json)
    assert message["parts"] == [
        {"type": "uri", "uri": "https://x.example/a.png", "modality": "image"},
        {"type": "file", "file_id": "file-1", "modality": "file", "name": "a.pdf"},
        {"type": "attachment", "sha256": "ab", "size": 7, "modality": "audio", "mime_type": "audio/wav"},
    ]
