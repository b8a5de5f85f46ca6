"""Web pages by their origin (RFC 6454): which of them may read our answers.

In: the values of `Origin` and `Host` fields. Out: yes or no. The one rule: an origin is allowed by its whole name or
not at all; `null`, which any page can have itself called, and `*` are nobody's name.
"""

from collections.abc import Iterable


class Origins:
    """A closed list of origins."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(origin.lower().rstrip("/").encode("latin-1") for origin in allowed)

    def __bool__(self) -> bool:
        """Whether any page is allowed."""
        return bool(self._allowed)

    def lists(self, origin: bytes) -> bool:
        """Whether an origin is on the list."""
        return origin.lower() in self._allowed


def is_own(origin: bytes, host: bytes) -> bool:
    """Whether a page of this very listener asks: its origin is the host that it asks for."""
    return origin.lower() in (b"http://" + host.lower(), b"https://" + host.lower())
