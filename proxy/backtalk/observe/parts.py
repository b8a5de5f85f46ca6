"""Part frames of a socket: pieces of both directions go in, bounded frames come out, in order.

A frame is handed over when it holds so many bytes, or when its first piece is so old and another comes; what is beyond
the call's limit is only counted. The one rule: what is held back is never more than one frame.
"""

from collections.abc import Callable
from typing import Final

from backtalk import clock
from backtalk.model.frames import Frame, Part, Side
from backtalk.observe.tee import Body

PART_BYTES: Final = 64 * 1024
"""Size at which a part is handed over."""
PART_NS: Final = clock.NS_PER_S
"""Age at which a part is handed over with the next piece."""


class Parts:
    """What goes over one socket."""

    def __init__(self, offer: Callable[[Frame], None], span_id: str, extensions: str, limit_bytes: int) -> None:
        self._offer = offer
        self._span_id = span_id
        self._extensions = extensions
        self._number = 0
        self._left_bytes = limit_bytes
        self._pieces: list[tuple[Side, bytes]] = []
        self._held_bytes = 0
        self._since_ns = 0
        self.client_bytes = self.server_bytes = self.chunks = 0
        self.truncated = False

    def hear(self, piece: bytes) -> None:
        """A piece of the client's passes."""
        self.client_bytes += len(piece)
        self._add("client", piece)

    def add(self, piece: bytes) -> None:
        """A piece of the server's passes."""
        self.server_bytes += len(piece)
        self.chunks += 1
        self._add("server", piece)

    def finish(self) -> Body:
        """End the socket: hand over what is held back, and say how much the server sent."""
        self.flush()
        return Body(b"", self.server_bytes, None, "truncated" if self.truncated else "full")

    def flush(self) -> None:
        """Hand over what is held back."""
        pieces, self._pieces, self._held_bytes = self._pieces, [], 0
        if pieces:
            now = clock.now()
            self._offer(Part(now.wall_ns, now.boot_ns, self._span_id, self._extensions, self._number, pieces))
            self._number += 1

    def _add(self, side: Side, piece: bytes) -> None:
        size = len(piece)
        self.truncated = self.truncated or size > self._left_bytes
        if self.truncated or not size:
            return
        now_ns = clock.monotonic_ns()
        if not self._pieces:
            self._since_ns = now_ns
        self._left_bytes -= size
        self._held_bytes += size
        self._pieces.append((side, piece))
        if self._held_bytes >= PART_BYTES or now_ns - self._since_ns >= PART_NS:
            self.flush()
