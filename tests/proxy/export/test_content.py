"""Messages as the conventions' JSON."""

import json

from backtalk.export.content import MESSAGE_LIMIT, TEXT_LIMIT, choices_json, messages_json
from backtalk.model.chat import Media, Message, ToolCall


def test_text_and_tools_are_parts() -> None:
    """Texts, tool calls and their results have the parts of the conventions."""
    call = ToolCall("c1", "weather", '{"city":"Bern"}')
    messages = (
        Message("user", "Hi"),
        Message("assistant", tool_calls=(call,)),
        Message("tool", "sunny", tool_call_id="c1"),
    )
    assert json.loads(messages_json(messages)) == [
        {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": '{"city":"Bern"}'}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "result": "sunny"}]},
    ]


def test_choices_have_finish_reasons() -> None:
    """A choice that gave no reason was cut."""
    choices = (Message("assistant", "a"), Message("assistant", "b"))
    assert [choice["finish_reason"] for choice in json.loads(choices_json(choices, ("stop",)))] == ["stop", "error"]


def test_long_texts_are_cut_before_they_are_encoded() -> None:
    """The JSON stays whole, whatever was cut."""
    (message,) = json.loads(messages_json((Message("user", '"' * 100_000),)))
    assert len(message["parts"][0]["content"]) == TEXT_LIMIT
    assert len(json.loads(messages_json((Message("user", "x"),) * 1_000))) == MESSAGE_LIMIT


def test_media_are_parts_by_reference() -> None:
    """An address, a provider's file, or the hash of bytes that were sent along."""
    media = (
        Media("image", ref="https://x.example/a.png"),
        Media("file", ref="file-1", name="a.pdf"),
        Media("audio", "ab", 7, "audio/wav"),
    )
    (message,) = json.loads(messages_json((Message("user", attachments=("1", "2", "3"), media=media),)))
    assert message["parts"] == [
        {"type": "uri", "uri": "https://x.example/a.png", "modality": "image"},
        {"type": "file", "file_id": "file-1", "modality": "file", "name": "a.pdf"},
        {"type": "attachment", "sha256": "ab", "size": 7, "modality": "audio", "mime_type": "audio/wav"},
    ]
