"""Function words by language, from `function_words.toml`: which language a text is in, and what it is not about."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).parent / "function_words.toml"
BY_LANGUAGE: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(listed.split()) for name, listed in tomllib.loads(_FILE.read_text(encoding="utf-8")).items()
}
"""The words of each language."""
