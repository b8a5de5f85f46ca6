"""Calls as datasets need them."""

from typing import Any

import pytest

from backtalk.datasets.exchanges import consent_tags, edited_answer, exchange, last_user_text
from backtalk.model.chat import Message

SYSTEM, ASKED, MORE = Message("system", "Be brief."), Message("user", "Why?"), Message("user", "And then?")
EDITED = Message("assistant", "Because of light.")
CALL = {
    "api": "chat", "request_capture": "full", "response_capture": "full", "outcome": "completed", "status": 200,
    "message_ids": ["m1"], "answer_ids": ["m2"], "tools_id": None, "erased_ns": None,
}  # fmt: skip
MESSAGES: dict[str, dict[str, Any]] = {
    "m1": {"json": '{"role":"user","text":"Why?"}'},
    "m2": {"json": '{"role":"assistant","text":"So."}'},
    "m3": {"json": None},
    "m4": {"json": '{"role":"user","attachments":["ab"]}'},
}


def test_edit_is_found_behind_the_earlier_conversation() -> None:
    """Instructions that changed in between do not shift the place."""
    assert edited_answer([SYSTEM, ASKED], [ASKED, EDITED, MORE]) == EDITED


@pytest.mark.parametrize("resent", [[ASKED], [ASKED, MORE], []])
def test_conversation_that_does_not_go_on_shows_no_edit(resent: list[Message]) -> None:
    """Where no answer stands at the place, nothing is made up."""
    assert edited_answer([ASKED], resent) is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"api": "embeddings"}, "not_chat"),
        ({"request_capture": "truncated"}, "capture_truncated"),
        ({"outcome": "client_disconnected"}, "answer_incomplete"),
        ({"status": 500}, "answer_incomplete"),
        ({"message_ids": ["m3"]}, "content_not_kept"),
        ({"message_ids": ["m3"], "erased_ns": 1}, "erased"),
        ({"message_ids": ["m4"]}, "attachments"),
        ({"answer_ids": []}, "answer_empty"),
    ],
)
def test_call_that_cannot_be_used_says_why(fields: dict[str, Any], reason: str) -> None:
    """Half a prompt, an error, a picture: nothing to learn from."""
    assert exchange(CALL | fields, MESSAGES) == reason


def test_each_choice_of_a_call_is_an_answer() -> None:
    """In the order of the choices."""
    found = exchange(CALL | {"answer_ids": ["m2", "m2"]}, MESSAGES)
    assert not isinstance(found, str)
    assert [answer.text for answer in found.answers] == ["So.", "So."]


def test_call_that_can_be_used_has_its_texts() -> None:
    """Questions, answers, tools."""
    found = exchange(CALL, MESSAGES)
    assert not isinstance(found, str)
    assert (found.asked, found.answers) == ((Message("user", "Why?"),), (Message("assistant", "So."),))


@pytest.mark.parametrize(
    ("params", "tags"),
    [
        ('{"metadata":{"consent":"training, eval"}}', ["eval", "training"]),
        ('{"metadata":{"consent":true}}', []),
        ("[1]", []),
        ("{oops", []),
        (None, []),
    ],
)
def test_consent_is_said_in_the_calls_metadata(params: str | None, tags: list[str]) -> None:
    """Anything else is no consent."""
    assert sorted(consent_tags({"params_json": params})) == tags


def test_the_last_question_is_the_users() -> None:
    """Not an answer, not a tool's result."""
    assert last_user_text([ASKED, MORE, EDITED]) == "And then?"
