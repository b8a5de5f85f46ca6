"""Feedback tokens: the section `[feedback.tokens]`.

In: values from a file or a variable. Out: one frozen section. The one rule: tokens are off until they are switched on,
and what a page may say with one is listed.
"""

from typing import Literal

from pydantic import Field

from backtalk.settings.section import Section

TokenKind = Literal["rating", "score", "comment", "correction", "ranking", "survey", "outcome", "event", "label"]
"""What a page may be let say."""


class TokenSettings(Section):
    """Tokens by which a page may give feedback to one answer."""

    enabled: bool = Field(default=False, description="Put x-feedback-token on the responses of calls.")
    ttl_s: int = Field(default=86_400, gt=0, le=31_536_000, description="How long a token is good.")
    kinds: tuple[TokenKind, ...] = Field(
        default=("rating", "comment", "correction", "survey", "event"), description="Kinds of feedback that it allows."
    )
    limit: int = Field(default=100, gt=0, description="Most feedback that one token gives in its life; above it 429.")
    key: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Number of the key that signs. Raised by 1, tokens of the key before stay good; by 2, none does.",
    )
