"""What a signal stands on, where texts may not be kept.

In: evidence. Out: the same without texts. The one rule: an entry whose name ends in `_text` holds words of a
conversation; it goes where the setting for content lets it, and everything else goes everywhere.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

_Value = TypeVar("_Value")
_TEXT: Final = "_text"


def without_texts(evidence: Mapping[str, _Value]) -> dict[str, _Value]:
    """The entries that hold no words of a conversation."""
    return {name: value for name, value in evidence.items() if not name.endswith(_TEXT)}
