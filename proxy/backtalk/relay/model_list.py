"""`GET /v1/models` where there are routes: the upstream's list, and the models that routes name in full.

In: the upstream's answer. Out: one list. The one rule: the upstream's entries stay as they are, first and in their
order; where it gives no list, the routes' models alone are one. Patterns name no model, so they are not listed.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from backtalk.errors import UpstreamError
from backtalk.model.exchange import ClientExchange, ClientGoneError, Fields
from backtalk.model.notes import CallNotes
from backtalk.relay.lane import Lane, Passing, with_fields

PATH: Final = "/v1/models"
LIMIT_BYTES: Final = 4 << 20
"""Largest list of an upstream that is read."""


class _Named(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[msgspec.Raw]


_list: Final = msgspec.json.Decoder(_List)
_named: Final = msgspec.json.Decoder(_Named)


async def answer(client: ClientExchange, notes: CallNotes, *, upstream: Lane, models: Iterable[str]) -> None:
    """Ask the upstream for its list, and answer with the whole one."""
    heard = _Heard(client)
    inner = CallNotes(notes.traceparent, notes.tracestate)
    try:
        await upstream(heard, inner)
    except UpstreamError:
        heard.status = 0
    if inner.outcome == "client_disconnected":
        raise ClientGoneError
    notes.upstream, notes.asked_ns, notes.answered_ns = inner.upstream, inner.asked_ns, inner.answered_ns
    body = merged(b"".join(heard.pieces) if heard.status == 200 else b"", models)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    client.start(200, headers)
    client.write(body, more=False)


def merged(body: bytes, models: Iterable[str]) -> bytes:
    """An upstream's list with the models that it does not have; of what is no list, those models alone."""
    try:
        entries = _list.decode(body).data
        known = {_named.decode(entry).id for entry in entries}
    except (ValueError, RecursionError):
        entries, known = [], set[str]()
    ours = [
        {"id": name, "object": "model", "created": 0, "owned_by": "backtalk"} for name in models if name not in known
    ]
    return msgspec.json.encode({"object": "list", "data": [*entries, *ours]})


class _Heard(Passing):
    """Takes the upstream's answer in place of the client, and asks for one that it can read."""

    def __init__(self, client: ClientExchange) -> None:
        super().__init__(client)
        plain = [field for field in client.head.fields if field[0] != b"accept-encoding"]
        self.head = with_fields(client.head, plain)
        self.status = 0
        self.pieces: list[bytes] = []
        self._left_bytes = LIMIT_BYTES

    def start(self, status: int, fields: Fields) -> None:
        """Keep the status."""
        del fields
        self.status = status

    def write(self, piece: bytes, *, more: bool) -> None:
        """Keep a piece."""
        del more
        self._left_bytes -= len(piece)
        if self._left_bytes < 0:
            self.status = 0
        elif piece:
            self.pieces.append(piece)
