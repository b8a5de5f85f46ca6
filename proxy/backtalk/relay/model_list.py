"""`GET /v1/models` where there are routes: the upstream's list, and the models that routes name in full.

In: the upstream's answer. Out: one list. The one rule: the upstream's entries stay as they are, first and in their
order; where it gives no list, the routes' models alone are one. Patterns name no model, so they are not listed.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from backtalk.errors import UpstreamError
from backtalk.model.notes import NOTES, CallNotes
from backtalk.relay import failures
from backtalk.relay.lane import Lane, Message, Receive, Scope, Send

PATH: Final = "/v1/models"
LIMIT_BYTES: Final = 4 << 20
"""Largest list of an upstream that is read."""


class _Named(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[msgspec.Raw]


_list: Final = msgspec.json.Decoder(_List)
_named: Final = msgspec.json.Decoder(_Named)


async def answer(scope: Scope, receive: Receive, send: Send, *, upstream: Lane, models: Iterable[str]) -> None:
    """Ask the upstream for its list, and answer with the whole one."""
    notes: CallNotes = scope.get(NOTES) or CallNotes("", "")
    heard = _Heard()
    inner = CallNotes(notes.traceparent, notes.tracestate)
    plain = [field for field in scope["headers"] if field[0] != b"accept-encoding"]
    try:
        await upstream({**scope, "headers": plain, NOTES: inner}, receive, heard)
    except UpstreamError:
        heard.status = 0
    if inner.outcome == "client_disconnected":
        raise failures.ClientGoneError
    notes.upstream, notes.asked_ns, notes.answered_ns = inner.upstream, inner.asked_ns, inner.answered_ns
    body = merged(b"".join(heard.pieces) if heard.status == 200 else b"", models)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


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


class _Heard:
    """Takes the upstream's answer in place of the client."""

    def __init__(self) -> None:
        self.status = 0
        self.pieces: list[bytes] = []
        self._left_bytes = LIMIT_BYTES

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        piece: bytes = message.get("body", b"")
        self._left_bytes -= len(piece)
        if self._left_bytes < 0:
            self.status = 0
        elif piece:
            self.pieces.append(piece)
