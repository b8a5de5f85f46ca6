"""What is taken out of texts: the section `[redact]`.

In: values from a file or a variable. Out: a frozen section. The one rule: nothing is taken out until it is switched on.
"""

import re
from typing import Final, Literal

from pydantic import Field, field_validator

from backtalk.settings.section import Section

RedactKind = Literal["secret", "email", "iban", "card", "ip", "phone"]
"""What the built-in patterns find."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MOST_PATTERNS: Final = 32
_MOST_CHARS: Final = 1_000


class RedactSettings(Section):
    """Placeholders for personal data and secrets in texts, put there before anything behind the spool sees them."""

    enabled: bool = Field(default=False, description="Put placeholders in the place of what is found.")
    kinds: tuple[RedactKind, ...] = Field(
        default=("secret", "email", "iban", "card", "ip", "phone"),
        description="Built-in patterns to look for; where two meet, the first names what both cover.",
    )
    patterns: tuple[str, ...] = Field(
        default=(), description="Patterns of your own, like `staff=E-[0-9]{6}`, in RE2's syntax."
    )
    finders: tuple[str, ...] = Field(default=(), description="Plugins to ask as well.")
    pseudonyms: bool = Field(
        default=True,
        description="Tell equal values of a tenant by equal placeholders; else the kind is all that stays.",
    )
    users: bool = Field(default=False, description="Keep a keyed hash in place of each end user's name.")

    @field_validator("patterns")
    @classmethod
    def _are_named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) > _MOST_PATTERNS:
            raise ValueError(f"must be at most {_MOST_PATTERNS} patterns")
        for entry in value:
            read_pattern(entry)
        return value


def read_pattern(entry: str) -> tuple[str, str]:
    """A pattern's name and expression; raises `ValueError` for what has no name or is too long."""
    name, _, expression = entry.partition("=")
    if not (_NAME.fullmatch(name) and expression):
        raise ValueError(f"must be like staff=E-[0-9]{{6}}, a lower-case name first; {entry!r} is not")
    if len(expression) > _MOST_CHARS:
        raise ValueError(f"the pattern {name} is longer than {_MOST_CHARS} characters")
    return name, expression
