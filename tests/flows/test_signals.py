"""What a person does with an answer in an app is noticed, and what an app does by itself is not."""

from typing import Any

import openai

from backtalk.testing.behaviour import Behaviour, as_header
from backtalk.testing.serve import Backtalk

_DRIP = {"x-script": as_header(Behaviour(chunk_delay_s=0.05))}


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def _assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _ask(client: openai.OpenAI, messages: Any, **more: Any) -> tuple[str, str]:
    """Read a whole stream as the client does; returns text and trace id."""
    with client.chat.completions.create(model="scripted", messages=messages, stream=True, **more) as stream:
        trace_id = stream.response.headers["x-trace-id"]
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices), trace_id


def _kinds(document: dict[str, Any]) -> list[str]:
    return [signal["kind"] for signal in document["calls"][0]["signals"]]


def _wait_for(backtalk: Backtalk, trace_id: str, kind: str) -> dict[str, Any]:
    return backtalk.wait_for_trace(trace_id, lambda found: found["calls"] and kind in _kinds(found))


def test_a_conversation_with_its_turns_and_second_thoughts(backtalk: Backtalk, client: openai.OpenAI) -> None:
    """Regenerated, rewritten and edited answers are told apart, each on the right call, in one session."""
    opening = [_user("Which river flows through the old town of Prague?")]
    first, first_trace = _ask(client, opening)
    asked = [*opening, _assistant(first), _user("How long is that river in kilometres?")]
    _, second_trace = _ask(client, asked)
    _, again_trace = _ask(client, asked)
    regenerated = _wait_for(backtalk, second_trace, "regeneration")
    rewritten = [*asked[:2], _user("How many kilometres long is that river?")]
    third, third_trace = _ask(client, rewritten)
    _wait_for(backtalk, again_trace, "reformulation")
    edited = third.replace("heard", "understood")
    _ask(client, [*rewritten, _assistant(edited), _user("And which cities lie on its banks?")])
    changed = _wait_for(backtalk, third_trace, "assistant_edit")
    assert _kinds(changed) == ["assistant_edit"]
    assert regenerated["calls"][0]["signals"][0]["shown_by"]["trace_id"] == again_trace
    start = backtalk.wait_for_trace(first_trace)["calls"][0]
    assert start["signals"] == []
    assert start["session_id"] == changed["calls"][0]["session_id"]


def test_a_stream_that_was_read_to_its_end_was_not_stopped(backtalk: Backtalk, client: openai.OpenAI) -> None:
    """The client closes the connection behind the last event; that is no stop."""
    traces = [_ask(client, [_user(f"Read number {number} to the end")])[1] for number in range(8)]
    for trace_id in traces:
        found = backtalk.wait_for_trace(trace_id, lambda document: document["calls"][0].get("outcome"))
        assert found["calls"][0]["outcome"] == "completed"
        assert "stop" not in _kinds(found)


def test_a_stream_that_was_left_in_the_middle_was_stopped(backtalk: Backtalk, client: openai.OpenAI) -> None:
    """The evidence says how much had been delivered."""
    messages: Any = [_user("Tell me a very long story that I stop in the middle of it")]
    stream = client.chat.completions.create(model="scripted", messages=messages, stream=True, extra_headers=_DRIP)
    for _, _ in zip(range(6), stream, strict=False):
        pass
    stream.close()
    found = _wait_for(backtalk, stream.response.headers["x-trace-id"], "stop")["calls"][0]
    assert found["outcome"] == "client_disconnected"
    assert found["signals"][0]["evidence"]["delivered_chars"] > 0
