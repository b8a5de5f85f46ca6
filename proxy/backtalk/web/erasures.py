"""Erasures over the admin listener: order one, list them, show one.

In: HTTP behind the bearer token. Out: JSON. The one rule: an order is durable when it is answered (202); how far it is
is read from its file, so that an answer after a restart is the same.
"""

import asyncio
from pathlib import Path
from typing import Final, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backtalk import installation
from backtalk.errors import RequestError
from backtalk.model.erased import ErasedBy
from backtalk.spool import erasures
from backtalk.spool.erasures import Order

_BODY_BYTES: Final = 16_384
_KINDS: Final[tuple[ErasedBy, ...]] = get_args(ErasedBy)


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    by: ErasedBy
    subject: str
    reason: str
    actor: str = "the admin token"
    tenant: str | None = None


class Erasures:
    """The handlers."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    async def order(self, request: Request) -> Response:
        """`POST /v1/erasures`: order that a person's texts be erased; 202 once the order is durable."""
        asked = _parse(await _body(request))
        made = await asyncio.to_thread(self._order, asked)
        return JSONResponse(erasures.told(made), status_code=202)

    def _order(self, asked: _Asked) -> Order:
        secret, fields = installation.secret(self._data_dir), msgspec.structs.asdict(asked)
        return erasures.ask(self._data_dir, secret, **fields)

    async def listed(self, request: Request) -> Response:
        """`GET /v1/erasures`: all orders, the oldest first, and how far each is."""
        del request
        orders = await asyncio.to_thread(erasures.load, self._data_dir)
        return JSONResponse({"erasures": [erasures.told(order) for order in orders]})

    async def one(self, request: Request) -> Response:
        """`GET /v1/erasures/{erasure_id}`: one order, with the trace ids to delete in telemetry backends."""
        wanted = str(request.path_params["erasure_id"])
        for order in await asyncio.to_thread(erasures.load, self._data_dir):
            if order.id == wanted:
                return JSONResponse(erasures.told(order) | {"trace_ids": list(order.trace_ids)})
        raise RequestError("there is no such erasure", code="unknown_erasure", status=404)


async def _body(request: Request) -> bytes:
    raw = b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > _BODY_BYTES:
            raise RequestError(f"an order has at most {_BODY_BYTES} bytes", code="body_too_large", status=413)
    return raw


def _parse(raw: bytes) -> _Asked:
    try:
        return msgspec.json.decode(raw, type=_Asked)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"send by ({', '.join(_KINDS)}), subject and reason as JSON: {error}"
        raise RequestError(message, code="bad_erasure") from error
