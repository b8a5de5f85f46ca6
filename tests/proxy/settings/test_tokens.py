"""The section of tokens: off, and closed to kinds that there are not."""

from typing import get_args

import pytest
from pydantic import ValidationError

from backtalk.model.feedback_token import KINDS
from backtalk.settings import load
from backtalk.settings.tokens import TokenKind, TokenSettings


def test_tokens_are_off_until_switched_on() -> None:
    """By a variable of their own section."""
    assert not TokenSettings().enabled
    tokens = load(
        {"BACKTALK_FEEDBACK_TOKENS_ENABLED": "true", "BACKTALK_FEEDBACK_TOKENS_KINDS": "rating"}
    ).feedback.tokens
    assert (tokens.enabled, tokens.kinds) == (True, ("rating",))


def test_what_pages_may_say_is_one_of_the_kinds() -> None:
    """The same kinds as the token has bits for; what a reviewer or a system says is not among the defaults."""
    assert get_args(TokenKind) == KINDS
    assert not {"label", "outcome", "ranking"} & set(TokenSettings().kinds)
    with pytest.raises(ValidationError):
        TokenSettings.model_validate({"kinds": ["applause"]})
