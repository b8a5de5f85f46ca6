"""Bounded copies of bodies that pass through.

In: pieces of a body. Out: the body, or its prefix with size and sha256 of the whole. The one rule: the sum of all
copies of a process stays under one budget; a copy that gets nothing more is marked `truncated`, never an error.
"""

import hashlib
from typing import Final, NamedTuple, Protocol

from backtalk.model.frames import Capture


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class Budget:
    """The bytes that all copies of one process may hold together."""

    def __init__(self, limit_bytes: int) -> None:
        self.left_bytes = limit_bytes
        """What may still be taken."""

    def take(self, wanted_bytes: int) -> int:
        """Take up to `wanted_bytes`; returns what was granted."""
        granted = min(wanted_bytes, self.left_bytes)
        self.left_bytes -= granted
        return granted

    def give(self, taken_bytes: int) -> None:
        """Return what was taken."""
        self.left_bytes += taken_bytes


class Body(NamedTuple):
    """A finished copy: `size_bytes` and `sha256` are of the whole body, `sha256` only where `kept` is not."""

    kept: bytes
    size_bytes: int
    sha256: str | None
    capture: Capture


_LOOSE: Final = 256
"""Most pieces that are kept one by one: a piece of one byte takes fifty in memory, beyond any budget."""


class Tee:
    """Copies one body; `finish` hands the copy over and returns its bytes to the budget."""

    __slots__ = ("_budget", "_digest", "_joined", "_kept", "_limit", "_taken", "chunks", "size_bytes")

    def __init__(self, limit_bytes: int, budget: Budget) -> None:
        self._limit = limit_bytes
        self._budget = budget
        self._kept: list[bytes] = []
        self._joined = bytearray()
        """What came before `_kept`."""
        self._taken = 0
        self._digest: _Digest | None = None
        self.size_bytes = 0
        self.chunks = 0

    def add(self, piece: bytes) -> None:
        """Take note of a piece; empty ones are none."""
        size = len(piece)
        if not size:
            return
        self.size_bytes += size
        self.chunks += 1
        if self._digest is not None:
            self._digest.update(piece)
            return
        granted = self._budget.take(min(size, self._limit - self._taken))
        self._taken += granted
        self._kept.append(piece if granted == size else piece[:granted])
        if len(self._kept) > _LOOSE:
            self._joined += b"".join(self._kept)
            self._kept.clear()
        if granted < size:
            self._overflow(piece[granted:])

    def finish(self) -> Body:
        """End the copy; called once."""
        self._budget.give(self._taken)
        kept = self._kept[0] if len(self._kept) == 1 and not self._joined else b"".join((self._joined, *self._kept))
        if self._digest is None:
            return Body(kept, self.size_bytes, None, "full")
        return Body(kept, self.size_bytes, self._digest.hexdigest(), "truncated")

    def _overflow(self, rest: bytes) -> None:
        self._digest = hashlib.sha256()
        self._digest.update(b"".join((self._joined, *self._kept)))
        self._digest.update(rest)
