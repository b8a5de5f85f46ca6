"""The feedback door on the server's own exchange, before programs and pages: ids on every response, CORS, failures.

In: a client's exchange. Out: its response. The one rule: a page that is not allowed is refused before anything of its
request is read, and told which setting allows it; a form that carries a token in its own address is let through, since
it needs no other authority.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from backtalk.errors import BacktalkError, RequestError
from backtalk.model.endpoints import FEEDBACK_LINK
from backtalk.model.exchange import ClientExchange, ClientGoneError, RequestHead, until_writable
from backtalk.model.meter import Meter
from backtalk.model.origins import Origins, is_own
from backtalk.observe.context import CallContext, context_of
from backtalk.observe.headers import id_fields
from backtalk.web.cors import Cors, is_preflight, joined
from backtalk.web.feedback_request import JSON, Answer, FeedbackRequest
from backtalk.web.problems import problem

Door = Callable[[FeedbackRequest], Awaitable[Answer]]
"""Answers one request."""

_log: Final = logging.getLogger(__name__)
_METHODS: Final = b"GET, HEAD, POST, DELETE"
_NO_BODY: Final = 204
_ORIGIN_CHARS: Final = 200


class CorsDoor:
    """Serves a door."""

    def __init__(self, door: Door, origins: Origins, metrics: Meter) -> None:
        self._door = door
        self._metrics = metrics
        self._cors = Cors(origins, methods=_METHODS)

    async def serve(self, client: ClientExchange) -> None:
        """Answer one request, whatever happens behind the door."""
        head = client.head
        context = context_of(head.fields, head.known)
        try:
            answer = await self._answer(client, context)
        except ClientGoneError:
            return
        except Exception as error:  # noqa: BLE001 - whatever it was, it is answered
            answer = _failed(error, context)
        if not client.writable:
            await until_writable(client)
        ours = self._cors.fields(head.known) if answer.status != _NO_BODY else []
        fields = [*(joined(answer.headers, ours) if ours else answer.headers), *id_fields(context)]
        if answer.status != _NO_BODY:
            fields.append((b"content-length", b"%d" % len(answer.body)))
        client.start(answer.status, fields)
        client.write(answer.body, more=False)

    async def _answer(self, client: ClientExchange, context: CallContext) -> Answer:
        """The door's answer, or the one to a browser's question before it."""
        head = client.head
        if is_preflight(head.method, head.known):
            return Answer(_NO_BODY, b"", self._cors.preflight(head.known))
        if b"origin" in head.known and self._is_foreign(head, head.known):
            raise self._refused(head.known[b"origin"])
        return await self._door(FeedbackRequest(client, context.key))

    def _refused(self, origin: bytes) -> RequestError:
        """The refusal of a page, counted as the door counts its own."""
        self._metrics.add("backtalk.feedback.refused", code="origin_not_allowed")
        message = f"pages of {_shown(origin)} may not give feedback; allow this origin in feedback.allowed_origins"
        return RequestError(message, code="origin_not_allowed", status=403)

    def _is_foreign(self, head: RequestHead, known: Mapping[bytes, bytes]) -> bool:
        origin = known[b"origin"]
        is_listed = self._cors.origins.lists(origin) or is_own(origin, known.get(b"host", b""))
        return not (is_listed or head.path.startswith(FEEDBACK_LINK))


def _shown(origin: bytes) -> str:
    """The origin as a sentence can hold it, whatever bytes a client sent."""
    text = origin[:_ORIGIN_CHARS].decode("ascii", "replace") + ("..." if len(origin) > _ORIGIN_CHARS else "")
    return "".join(char if char.isprintable() else "\ufffd" for char in text) or "an empty origin"


def _failed(error: Exception, context: CallContext) -> Answer:
    if not isinstance(error, BacktalkError):
        _log.error("feedback failed", extra={"trace_id": context.trace_id}, exc_info=error)
    told = problem(error, trace_id=context.trace_id)
    return Answer(told.status, told.body, [JSON, *told.more])
