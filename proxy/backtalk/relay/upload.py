"""A request's body, kept so that its model can be read and so that it can be sent more than once.

In: a client's exchange. Out: an `Upload` that plays its body again for each attempt. The one rule: what is kept is
bounded a call and a process; a body beyond either bound is sent on once, the kept part first and the rest as it comes.
"""

from typing import Final

from backtalk.model.exchange import ClientExchange, RequestHead
from backtalk.relay.lane import Passing

PEEK_BYTES: Final = 64 * 1024
"""What is read of a body for which there is no room, so that its model can still be found."""


class Room:
    """How much a process keeps of bodies, all calls together."""

    def __init__(self, *, call_bytes: int, process_bytes: int) -> None:
        self.call_bytes = call_bytes
        self._left_bytes = process_bytes

    @property
    def left_bytes(self) -> int:
        """What may still be kept."""
        return self._left_bytes

    def take(self, size_bytes: int) -> bool:
        """Reserve, or say that there is no room."""
        if size_bytes > self._left_bytes:
            return False
        self._left_bytes -= size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """Let go of what was reserved."""
        self._left_bytes += size_bytes


class Upload:
    """One body. `whole` says that all of it is kept, and that it may be sent again."""

    __slots__ = ("_held_bytes", "_room", "body", "client", "whole")

    def __init__(self, client: ClientExchange, room: Room) -> None:
        self.client = client
        self._room = room
        self._held_bytes = 0
        self.body = b""
        self.whole = False

    async def read(self) -> None:
        """Read the body as far as there is room; raises `ClientGoneError` where the client leaves before its end."""
        pieces: list[bytes] = []
        size_bytes = 0
        while True:
            piece, more = await self.client.receive()
            pieces.append(piece)
            size_bytes += len(piece)
            self.whole = not more
            if self.whole or not self._may_keep(len(piece), size_bytes):
                break
        self.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Let go of the body."""
        self._room.give_back(self._held_bytes)
        self._held_bytes = 0

    def replay(self, body: bytes, head: RequestHead, *, to: ClientExchange | None = None) -> "Replay":
        """The call with this body in place of what was kept, and with this head; its answer goes `to` another one."""
        return Replay(to or self.client, head, body, more=not self.whole)

    def _may_keep(self, piece_bytes: int, size_bytes: int) -> bool:
        """Whether to read on: within the bounds, or until enough is there to find the model."""
        if self._room.take(piece_bytes):
            self._held_bytes += piece_bytes
            return size_bytes < self._room.call_bytes
        return size_bytes < PEEK_BYTES


class Replay(Passing):
    """A client's exchange whose body begins with what was kept of it."""

    def __init__(self, client: ClientExchange, head: RequestHead, body: bytes, *, more: bool) -> None:
        super().__init__(client)
        self.head = head
        self._first: tuple[bytes, bool] | None = (body, more)

    async def receive(self) -> tuple[bytes, bool]:
        """What was kept, then what comes."""
        first, self._first = self._first, None
        return await super().receive() if first is None else first
