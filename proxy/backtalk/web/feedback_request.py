"""A request to the feedback door, apart from what it says: its ids, its body within bounds, and the reply to it.

In: a client's exchange and the ids that its request was given. Out: bytes, and a response. The one rule: a body is
bounded in size and in time before anybody looks into it.
"""

import asyncio
import zlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from backtalk.errors import RequestError
from backtalk.model.exchange import ClientExchange, Fields
from backtalk.model.ids import CallKey

BODY_S: Final = 30.0
"""So long may a body take to come."""
JSON: Final = (b"content-type", b"application/json")
_GZIP_WINDOW: Final = 31


class Reply(NamedTuple):
    """What is answered, as JSON."""

    status: int
    body: dict[str, Any]


class FeedbackRequest:
    """One request; who reads its body hears by `ClientGoneError` of a client that left."""

    __slots__ = ("_client", "fields", "ids", "known", "method", "path", "query")

    def __init__(self, client: ClientExchange, ids: CallKey) -> None:
        head = client.head
        self._client = client
        self.ids = ids
        self.method = head.method
        self.path = head.path
        self.query = head.query.decode("latin-1")
        self.fields: Fields = head.fields
        self.known: Mapping[bytes, bytes] = head.known

    @property
    def idempotency_key(self) -> str | None:
        """The header under which a repeat counts once."""
        key = self.known.get(b"idempotency-key")
        return None if key is None else key.decode("latin-1")

    def check_head(self, limit_bytes: int, *, codings: tuple[bytes, ...] = (b"identity",)) -> None:
        """Refuse what the head says already."""
        coding = self.known.get(b"content-encoding", b"identity").lower()
        if coding not in codings:
            message = f"send feedback with one of these content-encodings: {b', '.join(codings).decode()}"
            raise RequestError(message, code="unsupported_encoding", status=415)
        declared = self.known.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > limit_bytes:
            too_large(limit_bytes)

    async def first_piece(self, within_s: float) -> "Piece":
        """What has come of the body; a head whose body never begins would keep its connection for ever."""
        try:
            async with asyncio.timeout(within_s):
                return await self._piece()
        except TimeoutError as error:
            raise _too_slow(within_s) from error

    async def _piece(self) -> "Piece":
        return Piece(*await self._client.receive())

    async def body(self, first: "Piece", limit_bytes: int, within_s: float) -> bytes:
        """The whole body; one that came in one piece costs no timer."""
        if len(first.body) > limit_bytes:
            too_large(limit_bytes)
        if not first.more:
            return first.body
        try:
            async with asyncio.timeout(within_s):
                return await self._rest(first, limit_bytes)
        except TimeoutError as error:
            raise _too_slow(within_s) from error

    async def _rest(self, piece: "Piece", limit_bytes: int) -> bytes:
        pieces, size = [piece.body], len(piece.body)
        while piece.more:
            piece = await self._piece()
            pieces.append(piece.body)
            size += len(piece.body)
            if size > limit_bytes:
                too_large(limit_bytes)
        return b"".join(pieces)


class Piece(NamedTuple):
    """A piece of a body, and whether more follow."""

    body: bytes
    more: bool


class Answer(NamedTuple):
    """A whole response; its ids and its length are added when it is sent."""

    status: int
    body: bytes
    headers: Fields


def as_json(reply: Reply, request: FeedbackRequest) -> Answer:
    """A reply as a response, with the request's own trace id."""
    body = msgspec.json.encode(reply.body | {"trace_id": request.ids.trace_id})
    return Answer(reply.status, body, [JSON])


def unzipped(raw: bytes, limit_bytes: int) -> bytes:
    """A gzip body, no larger than the limit when it is open; raises `RequestError` otherwise."""
    opening = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        body = opening.decompress(raw, limit_bytes + 1)
    except zlib.error as error:
        raise RequestError("the body is not gzip", code="unsupported_encoding") from error
    if len(body) > limit_bytes:
        too_large(limit_bytes)
    if not opening.eof:
        raise RequestError("the gzip body is cut off", code="unsupported_encoding")
    return body


def too_large(limit_bytes: int) -> None:
    """Refuse a body by its size."""
    raise RequestError(f"a feedback has at most {limit_bytes} bytes", code="body_too_large", status=413)


def _too_slow(within_s: float) -> RequestError:
    return RequestError(f"the body of a feedback must come within {within_s:g} s", code="body_timeout", status=408)
