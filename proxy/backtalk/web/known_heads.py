"""Heads that came before: a client repeats its own word for word, but for the content-length.

In: what a connection received. Out: the head as the parser read it the first time, and what others derived from it. The
one rule: what differs in anything but the length is read by the parser, and what is remembered is bounded.
"""

import re
from typing import Final, NamedTuple

from backtalk.model.exchange import RequestHead

_MOST: Final = 256
_HEAD_BYTES: Final = 8 * 1024
_LENGTH: Final = re.compile(rb"\r\ncontent-length: ?([0-9]{1,9})\r\n", re.IGNORECASE)


class Message(NamedTuple):
    """A whole request as it came: what its head is remembered by, its length as it was written, and its body."""

    key: bytes
    length: bytes
    body: bytes


class Known(NamedTuple):
    """A head that came before, and whether its connection is kept."""

    head: RequestHead
    keep_alive: bool


class KnownHeads:
    """Remembers the heads of whole messages. A head holds the client's credential: it is in memory alone."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}

    @staticmethod
    def message(data: bytes) -> Message | None:
        """The one message that `data` is, no more and no less; None where it is not, or where its head is long."""
        end = data.find(b"\r\n\r\n", 0, _HEAD_BYTES)
        found = _LENGTH.search(data, 0, end + 2) if end > 0 else None
        if found is None or len(data) - end - 4 != int(found[1]):
            return None
        begin, behind = found.span(1)
        return Message(data[:begin] + data[behind:end], found[1], data[end + 4 :])

    def find(self, message: Message, client: str) -> Known | None:
        """The head of a message, if it came before."""
        known = self._known.get(message.key)
        if known is None:
            return None
        old = known.head
        length = (b"content-length", message.length)
        fields = [length if field[0] == b"content-length" else field for field in old.fields]
        head = RequestHead(
            old.method, old.path, old.raw_path, old.query, fields, dict(fields), client, old.http_version, old.derived
        )
        return Known(head, known.keep_alive)

    def learn(self, message: Message, head: RequestHead, *, keep_alive: bool) -> None:
        """Remember the head of a message, in place of the oldest."""
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[message.key] = Known(head._replace(derived={}), keep_alive)
