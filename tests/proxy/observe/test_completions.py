"""Legacy completions are understood as chats of one turn."""

import json

from backtalk.model.chat import Message
from backtalk.observe import completions, understand

_STREAM = {"content-type": "text/event-stream"}


def test_a_prompt_is_a_user_message() -> None:
    """A text, several texts, and token numbers, which have no text."""
    assert completions.request_messages({"prompt": "a"}) == (Message("user", "a"),)
    assert completions.request_messages({"prompt": ["a", "b"]}) == (Message("user", "a"), Message("user", "b"))
    tokens = Message("user", canonical='{"content":[1,2],"role":"user"}')
    assert completions.request_messages({"prompt": [1, 2]}) == (tokens,)
    assert completions.request_messages({"prompt": [[1, 2], "a"]}) == (tokens, Message("user", "a"))


def test_streamed_or_not_the_texts_are_equal() -> None:
    """Each choice is an assistant message."""
    whole = {"id": "c", "model": "m", "choices": [{"index": i, "text": "ab", "finish_reason": "stop"} for i in (0, 1)]}
    chunks = [
        {"id": "c", "model": "m", "choices": [{"index": i, "text": text, "finish_reason": reason}]}
        for text, reason in (("a", None), ("b", "stop"))
        for i in (1, 0)
    ]
    stream = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    found = understand.response("completions", 200, _STREAM, stream)
    assert found == understand.response("completions", 200, {}, json.dumps(whole).encode())
    assert found.choices == (Message("assistant", "ab"), Message("assistant", "ab"))
    assert found.finish_reasons == ("stop", "stop")
