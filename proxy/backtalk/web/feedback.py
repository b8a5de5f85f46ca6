"""The feedback door: which request to the reserved paths goes to whom, and how many are served at once.

In: requests. Out: 202 once feedback is durable in the spool, 200 for a repeat, else a sentence about what is wrong. The
one rule: every request is answered here, whatever fails behind it, and none waits without a bound.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from backtalk.errors import BacktalkError, RequestError, StoreError
from backtalk.feedback.envelope import item, open_envelope
from backtalk.model.authority import is_loopback
from backtalk.model.endpoints import FEEDBACK as PATH
from backtalk.model.endpoints import FEEDBACK_LINK
from backtalk.model.feedback_token import TokenReader
from backtalk.model.meter import Meter
from backtalk.settings import FeedbackSettings, Settings
from backtalk.web.admin_link import AdminLink
from backtalk.web.feedback_authority import Authority
from backtalk.web.feedback_formats import CODINGS, OTLP, PHOENIX, FeedbackFormats
from backtalk.web.feedback_link import FeedbackLink
from backtalk.web.feedback_reads import FeedbackReads, check_id
from backtalk.web.feedback_request import BODY_S, JSON, Answer, FeedbackRequest, Piece, Reply, as_json
from backtalk.web.feedback_taking import Taking
from backtalk.web.problems import body_of, problem
from backtalk.web.speaker import Speakers

SCHEMA: Final = f"{PATH}/schema"
_RETRY_AFTER: Final = (b"retry-after", b"1")


class Doors(NamedTuple):
    """What stands behind the door."""

    taking: Taking
    authority: Authority
    reads: FeedbackReads


class FeedbackDoor:
    """Answers requests to the reserved paths."""

    def __init__(self, doors: Doors, *, settings: FeedbackSettings, metrics: Meter, body_s: float = BODY_S) -> None:
        self._taking, self._authority, self._reads = doors
        self._link = FeedbackLink(self._taking, self._authority)
        self._formats = FeedbackFormats(
            self._taking, self._authority, most=settings.max_items, limit_bytes=settings.body_limit_bytes
        )
        self._settings = settings
        self._metrics = metrics
        self._body_s = body_s
        self._in_flight = 0

    async def __call__(self, request: FeedbackRequest) -> Answer:
        """Answer one request to a reserved path; a client that leaves meanwhile is answered by nobody."""
        try:
            return await self._answer(request)
        except BacktalkError as error:
            return self._refusal(error, request)

    async def _answer(self, request: FeedbackRequest) -> Answer:
        path, method = request.path, request.method
        if path == PATH and method == "POST":
            return await self._taken(request, self._post)
        if path.startswith(FEEDBACK_LINK):
            return await self._linked(request)
        if path == OTLP or path in PHOENIX:
            _allow(request, "POST")
            return await self._taken(request, self._formats.otlp if path == OTLP else self._formats.phoenix, CODINGS)
        if path == PATH:
            _allow(request, "GET", "POST")
            return await self._reads.find(request, self._authority.reader(request))
        if path == SCHEMA:
            _allow(request, "GET")
            return _schema()
        return await self._by_id(request)

    async def _post(self, request: FeedbackRequest, raw: bytes) -> Answer:
        """`POST /v1/feedback`: one feedback, or several as `items`; `dryrun` says what would happen."""
        envelope = open_envelope(raw, max_items=self._settings.max_items)
        by = self._authority.giver(request, envelope.token)._replace(dryrun=envelope.dryrun)
        if not envelope.several:
            return as_json(await self._taking.one(item(envelope.items[0]), by), request)
        if by.idempotency_key is not None:
            message = "the Idempotency-Key header stands for one feedback; give each of items an id of its own"
            raise RequestError(message, code="invalid_field", param="Idempotency-Key")
        said = await self._taking.several(envelope.items, by)
        refused = sum(isinstance(reply, BacktalkError) for reply in said)
        for reply in said:
            if isinstance(reply, BacktalkError):
                self._metrics.add("backtalk.feedback.refused", code=reply.code)
        told = {"items": [_told(reply) for reply in said], "accepted": len(said) - refused, "refused": refused}
        return as_json(Reply(207 if refused else 202, told), request)

    async def _by_id(self, request: FeedbackRequest) -> Answer:
        feedback_id = request.path.removeprefix(f"{PATH}/")
        if request.path == feedback_id or "/" in feedback_id:
            message = f"{request.path} is reserved and not served; feedback is sent with POST {PATH}"
            raise RequestError(message, code="unknown_url", status=404)
        _allow(request, "GET", "DELETE")
        if request.method == "DELETE":
            return await self._taken(request, self._delete)
        return await self._reads.one(feedback_id, self._authority.reader(request))

    async def _delete(self, request: FeedbackRequest, _: bytes) -> Answer:
        """`DELETE /v1/feedback/{feedback_id}`: takes a feedback back; it stays in the history and counts no more."""
        feedback_id = request.path.removeprefix(f"{PATH}/")
        check_id(feedback_id)
        return as_json(await self._taking.retract(feedback_id, self._authority.reader(request)), request)

    async def _linked(self, request: FeedbackRequest) -> Answer:
        _allow(request, "GET", "HEAD", "POST")
        if request.method == "POST":
            return await self._taken(request, self._link.take)
        shown = self._link.show(request)
        return shown if request.method == "GET" else shown._replace(body=b"")

    async def _taken(
        self,
        request: FeedbackRequest,
        take: Callable[[FeedbackRequest, bytes], Awaitable[Answer]],
        codings: tuple[bytes, ...] = CODINGS[:1],
    ) -> Answer:
        """Take it unless as many are under way as may be: each holds its body."""
        request.check_head(self._settings.body_limit_bytes, codings=codings)
        first: Piece = await request.first_piece(self._body_s)
        if self._in_flight >= self._settings.max_in_flight:
            message = f"{self._in_flight} feedback are under way already; try again soon"
            raise StoreError(message, code="too_much_feedback")
        self._in_flight += 1
        try:
            return await take(request, await request.body(first, self._settings.body_limit_bytes, self._body_s))
        finally:
            self._in_flight -= 1

    def _refusal(self, error: BacktalkError, request: FeedbackRequest) -> Answer:
        self._metrics.add("backtalk.feedback.refused", code=error.code)
        told = problem(error, trace_id=request.ids.trace_id)
        extra = [_RETRY_AFTER] if isinstance(error, StoreError) else []
        return Answer(told.status, told.body, [JSON, *error.headers, *extra])


def door_of(
    settings: Settings, taking: Taking, speakers: Speakers, *, secret: bytes, admin_token: str, metrics: Meter
) -> FeedbackDoor:
    """The door as `serve` opens it."""
    limits = settings.feedback
    authority = Authority(
        speakers,
        TokenReader(secret, key_number=limits.tokens.key),
        on_loopback=is_loopback(settings.host),
        allowed_hosts=settings.web.allowed_hosts,
    )
    admin = AdminLink(settings.admin_host, settings.admin_port, admin_token, timeout_s=limits.read_timeout_s)
    doors = Doors(taking, authority, FeedbackReads(admin, secret=secret))
    return FeedbackDoor(doors, settings=limits, metrics=metrics)


def _schema() -> Answer:
    """`GET /v1/feedback/schema`: the JSON Schema of everything that can be posted."""
    from backtalk.feedback.kinds import schema  # noqa: PLC0415 -- a proxy without feedback loads no models

    return Answer(200, json.dumps(schema(), separators=(",", ":")).encode(), [JSON])


def _told(reply: Reply | BacktalkError) -> dict[str, Any]:
    """One of several replies: as it would be alone, with its status."""
    if isinstance(reply, BacktalkError):
        return {"http_status": reply.status, **json.loads(body_of(reply))}
    return {"http_status": reply.status, **reply.body}


def _allow(request: FeedbackRequest, *methods: str) -> None:
    """Raise where a path does not take this method."""
    if request.method not in methods:
        message = f"{request.path} takes {' and '.join(methods)}, not {request.method}"
        error = RequestError(message, code="method_not_allowed", status=405)
        error.headers = ((b"allow", ", ".join(methods).encode()),)
        raise error
