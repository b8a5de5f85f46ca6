"""Finds what patterns describe, in time that grows with the text and with nothing else.

In: a text. Out: where in it is what. The one rule: every expression runs on RE2, which never goes back in a text: an
expression of Python's own can take minutes for a line that was made for it. One pass asks for all of them at once; most
texts hold nothing and cost no second one.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, ClassVar, Final, Protocol, cast

from backtalk.errors import SetupError
from backtalk.plugin.protocols import API_VERSION, Found
from backtalk.redact.patterns import Pattern

_MEMORY_BYTES: Final = 8 << 20
"""What one compiled expression may take."""


class _Match(Protocol):
    def start(self) -> int: ...
    def end(self) -> int: ...


class _Expression(Protocol):
    def search(self, text: str) -> _Match | None: ...
    def finditer(self, text: str) -> "Sequence[_Match]": ...


class Patterns:
    """Patterns that are looked for together; where two match, the first comes first."""

    name: ClassVar[str] = "patterns"
    api: ClassVar[int] = API_VERSION
    version: ClassVar[str] = "1"

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._each = [(pattern, compiled(pattern.kind, pattern.expression)) for pattern in patterns]
        together = "|".join(f"(?:{pattern.expression})" for pattern in patterns)
        self._any = compiled("all patterns", together) if patterns else None

    def find(self, text: str) -> list[Found]:
        """What is in a text, by pattern, then by place."""
        if self._any is None or self._any.search(text) is None:
            return []
        return [
            Found(pattern.kind, match.start() + start, match.start() + end, pattern.same(matched[start:end]))
            for pattern, expression in self._each
            for match in expression.finditer(text)
            for matched in [text[match.start() : match.end()]]
            for start, end in pattern.parts(matched)
        ]


def compiled(name: str, expression: str) -> _Expression:
    """An expression ready to run; raises `SetupError` for one that is none or that matches nothing at all."""
    re2 = cast("Any", import_module("re2"))  # loaded only where redaction is on
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    try:
        found = re2.compile(expression, options=options)
    except re2.error as error:
        raise SetupError(
            f"[redact] the pattern {name} is no expression of RE2: {_why(error)}", code="bad_settings"
        ) from error
    if found.search("") is not None:
        raise SetupError(
            f"[redact] the pattern {name} matches an empty text: it would match anywhere", code="bad_settings"
        )
    return cast("_Expression", found)


def _why(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
