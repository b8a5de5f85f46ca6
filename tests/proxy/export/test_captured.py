"""What of a call's words is sent."""

import json

from backtalk.export.captured import Capture, as_attributes, as_structure
from backtalk.ledger.rows import Rows
from backtalk.model.chat import Message, Request
from backtalk.model.facts import CallClosed
from backtalk.testing import conventions
from backtalk.testing.facts import closed_call, opened_call

WORDS = Capture("attributes")


def _call(api: str = "chat") -> CallClosed:
    messages = (Message("system", "Be brief."), Message("user", "secret question"))
    request = Request(model="m1", messages=messages, user="u1", tools_json='[{"name":"f"}]')
    return closed_call(opened=opened_call(api=api, request=request))


def test_nothing_is_sent_by_default() -> None:
    """Whoever wants words in the backend says so."""
    assert as_attributes(_call(), Capture()) == {}


def test_words_are_json_texts() -> None:
    """By the conventions' names and types; who asked goes along, for it is of a person as well."""
    found = as_attributes(_call(), WORDS)
    assert conventions.faults(found, "v1.41") == []
    assert [m["role"] for m in json.loads(str(found["gen_ai.input.messages"]))] == ["system", "user"]
    assert "secret question" in str(found["gen_ai.input.messages"])
    assert "The sky." in str(found["gen_ai.output.messages"])
    assert found["user.id"] == "u1"
    assert "backtalk.content.truncated" not in found


def test_system_prompt_stands_apart_where_the_api_has_a_field_for_it() -> None:
    """Anthropic's `system` and the Responses API's `instructions`; a chat's system message is part of its history."""
    for api in ("messages", "responses"):
        found = as_attributes(_call(api), WORDS)
        assert json.loads(str(found["gen_ai.system_instructions"])) == [{"type": "text", "content": "Be brief."}]
        assert "Be brief." not in str(found["gen_ai.input.messages"])
    assert "gen_ai.system_instructions" not in as_attributes(_call("chat"), WORDS)


def test_what_was_cut_is_said() -> None:
    """Nobody takes a part for the whole."""
    call = closed_call(opened=opened_call(request=Request(messages=(Message("user", "x" * 5_000),))))
    assert as_attributes(call, Capture("attributes", 2_048))["backtalk.content.truncated"] is True


def test_an_event_has_structure_in_place_of_text() -> None:
    """The conventions ask for it there."""
    found = as_structure(_call(), WORDS)
    assert conventions.faults(found, "v1.41", structured=True) == []
    assert found["gen_ai.input.messages"][1]["parts"][0]["content"] == "secret question"


def test_references_are_the_ledgers_own_ids() -> None:
    """Kept beside: whoever may read the ledger finds each message by the id on the span, and no word is sent."""
    call, rows = _call(), Rows(b"secret")
    found = as_attributes(call, Capture("reference", message_id=rows.message_id))
    (columns,) = (row for table, row in rows.of(call) if table == "calls")
    assert found["backtalk.input.message_ids"] == tuple(columns["message_ids"])
    assert found["backtalk.output.message_ids"] == tuple(columns["answer_ids"])
    assert found["backtalk.tools.message_id"] == columns["tools_id"]
    assert "secret" not in str(found)
    assert "u1" not in str(found)
