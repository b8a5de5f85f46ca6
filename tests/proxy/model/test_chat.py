"""A response's text is its first choice's."""

import pytest

from backtalk.model.chat import Message, Response


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        ((), ""),
        ((Message(role="assistant", text="a"),), "a"),
        ((Message(role="assistant", text="a"), Message(role="assistant", text="b")), "a"),
        ((Message(role="assistant", refusal="no"),), ""),
    ],
)
def test_text_is_of_the_first_choice(choices: tuple[Message, ...], text: str) -> None:
    """No choice and a refusal have none."""
    assert Response(choices=choices).text == text
