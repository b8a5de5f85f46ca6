"""Names that an app gives."""

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


@pytest.mark.parametrize("given", ["conv_1", {"id": "conv_1"}])
def test_a_conversation_is_named_by_id_or_as_an_object(given: object) -> None:
    """It names the session too, after `metadata.session_id`."""
    assert naming.conversation({"conversation": given}) == "conv_1"
    assert naming.session_by_body({"conversation": given}) == "conv_1"
    assert naming.session_by_body({"conversation": given, "metadata": {"session_id": "s"}}) == "s"
