"""Names that an app gives."""

import hashlib

import pytest

from backtalk.observe import naming


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"user": "u", "safety_identifier": "s"}, "u"),
        ({"safety_identifier": "s", "metadata": {"user_id": "m"}}, "s"),
        ({"metadata": {"user_id": "m"}}, "m"),
        ({"metadata": "m", "user": 3}, None),
    ],
)
def test_the_end_user_is_named_in_each_dialects_field(fields: dict[str, object], expected: str | None) -> None:
    """OpenAI's fields go before Anthropic's."""
    assert naming.end_user(fields) == expected


@pytest.mark.parametrize(
    ("headers", "fields", "expected"),
    [
        ({}, {}, (None, None)),
        ({"x-prompt-name": " greet ", "x-prompt-version": "7"}, {"metadata": {"prompt_name": "m"}}, ("greet", "7")),
        ({}, {"metadata": {"prompt_name": "m", "prompt_version": "2"}, "prompt": {"id": "p"}}, ("m", "2")),
        ({}, {"prompt": {"id": "pmpt_1", "version": "3"}}, ("pmpt_1", "3")),
        ({"x-prompt-version": "7"}, {"prompt": "a text", "metadata": 3}, (None, "7")),
    ],
)
def test_a_prompt_is_named_by_header_metadata_or_the_prompt_object(
    headers: dict[str, str], fields: dict[str, object], expected: tuple[str | None, str | None]
) -> None:
    """Header, then metadata, then OpenAI's stored prompt; a prompt that is a text names nothing."""
    assert naming.prompt(headers, fields) == expected


@pytest.mark.parametrize("given", ["conv_1", {"id": "conv_1"}])
def test_a_conversation_is_named_by_id_or_as_an_object(given: object) -> None:
    """It names the session too, after `metadata.session_id`."""
    assert naming.conversation({"conversation": given}) == "conv_1"
    assert naming.session_by_body({"conversation": given}) == "conv_1"
    assert naming.session_by_body({"conversation": given, "metadata": {"session_id": "s"}}) == "s"


@pytest.mark.parametrize(
    ("header", "purpose"),
    [(" Evaluation ", "evaluation"), ("", None), ("x" * 300, f"sha256:{hashlib.sha256(b'x' * 300).hexdigest()}")],
)
def test_a_purpose_is_said_by_a_header_alone(header: str, purpose: str | None) -> None:
    """One word however it is written; `metadata.purpose` is the app's own."""
    assert naming.purpose({"x-backtalk-purpose": header}) == purpose
    assert naming.purpose({}) is None
