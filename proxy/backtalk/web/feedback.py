"""POST /v1/feedback: the door through which people and systems say what an answer was worth.

In: HTTP. Out: 202 once the feedback is durable in the spool, 200 for a repeat, else a sentence about what is wrong.
The one rule: nothing is acknowledged before `Spool.put` returned, and nothing but the disk can make it wait long.
"""

import asyncio
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

from backtalk import clock
from backtalk.errors import BacktalkError, RequestError, StoreError
from backtalk.feedback.admission import Speaker, admit
from backtalk.feedback.body import Given, parse
from backtalk.metric_settings import MetricSettings
from backtalk.model import feedback, frames
from backtalk.model.asgi import Receive, Scope, Send
from backtalk.model.endpoints import FEEDBACK as PATH
from backtalk.model.ids import CallKey, keyed_hash, new_span_id, new_trace_id, parse_traceparent
from backtalk.model.meter import Meter
from backtalk.model.notes import NOTES, CallNotes
from backtalk.session.targets import First, Targets
from backtalk.settings import FeedbackSettings
from backtalk.web.problems import problem
from backtalk.web.speaker import Speakers

BODY_S: Final = 30.0
"""So long may a body take to come."""
_RETRY_AFTER: Final = (b"retry-after", b"1")
_JSON: Final = (b"content-type", b"application/json")


class Intake(Protocol):
    """The part of `spool.Spool` that takes feedback."""

    async def put(self, payload: bytes) -> None:
        """Return once the frame is durable; raises `StoreError` where it cannot be."""
        ...


class _Reply(NamedTuple):
    status: int
    body: dict[str, Any]


class _Piece(NamedTuple):
    body: bytes
    more: bool


class ClientLeftError(Exception):
    """The client closed the connection before its body was complete."""


class FeedbackDoor:
    """The ASGI app behind the reserved paths."""

    def __init__(
        self,
        intake: Intake,
        targets: Targets,
        speakers: Speakers,
        *,
        secret: bytes,
        settings: FeedbackSettings,
        metrics: Meter,
        declared: Mapping[str, MetricSettings] | None = None,
        body_s: float = BODY_S,
    ) -> None:
        self._body_s = body_s
        self._intake = intake
        self._targets = targets
        self._speakers = speakers
        self._declared = declared or {}
        self._secret = secret
        self._settings = settings
        self._metrics = metrics
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request to a reserved path."""
        request = _ids(scope)
        try:
            _route(scope)
            _check_head(scope, self._settings.body_limit_bytes)
            first = await _piece(receive)
            reply = await self._take_one_more(scope, first, receive, request)
        except ClientLeftError:
            return
        except BacktalkError as error:
            self._metrics.add("backtalk.feedback.refused", code=error.code)
            answer = problem(error, trace_id=request.trace_id)
            extra = [_RETRY_AFTER] if isinstance(error, StoreError) else []
            extra += [(b"allow", b"POST")] if answer.status == 405 else []
            await _answer(send, answer.status, [*answer.headers, *extra], answer.body)
        else:
            body = json.dumps(reply.body | {"trace_id": request.trace_id}, separators=(",", ":")).encode()
            await _answer(send, reply.status, [_JSON, (b"content-length", b"%d" % len(body))], body)

    async def _take_one_more(self, scope: Scope, first: _Piece, receive: Receive, request: CallKey) -> _Reply:
        """Take it unless as many are under way as may be: each holds its body."""
        if self._in_flight >= self._settings.max_in_flight:
            message = f"{self._in_flight} feedback are under way already; try again soon"
            raise StoreError(message, code="too_much_feedback")
        self._in_flight += 1
        try:
            return await self._take(scope, await self._body(first, receive), request)
        finally:
            self._in_flight -= 1

    async def _body(self, first: _Piece, receive: Receive) -> bytes:
        """The whole body; one that came in one piece costs no timer."""
        if len(first.body) > self._settings.body_limit_bytes:
            _too_large(self._settings.body_limit_bytes)
        if not first.more:
            return first.body
        try:
            async with asyncio.timeout(self._body_s):
                return await _rest(first, receive, self._settings.body_limit_bytes)
        except TimeoutError as error:
            message = f"the body of a feedback must come within {self._body_s:g} s"
            raise RequestError(message, code="body_timeout", status=408) from error

    async def _take(self, scope: Scope, raw: bytes, request: CallKey) -> _Reply:
        key = next((value for name, value in scope["headers"] if name == b"idempotency-key"), None)
        speaker = self._speakers.of(scope["headers"])
        header = None if key is None else key.decode("latin-1")
        given = parse(raw, idempotency_key=header, now_ns=clock.now().wall_ns)
        return await self._accept(given, speaker, request)

    async def _accept(self, given: Given, speaker: Speaker, request: CallKey) -> _Reply:
        settings = self._settings
        body = admit(
            given.body,
            speaker,
            secret=self._secret,
            declared=self._declared,
            declared_only=settings.declared_metrics_only,
        )
        feedback_id = self._id_of(given, speaker.tenant)
        words = feedback.canonical(body)
        sha256 = feedback.sha256_of(words)
        found = await self._targets.look_up(speaker.tenant, feedback_id, body)
        first = found.first
        if first is None:
            moment = clock.now()
            frame = frames.Feedback(
                moment.wall_ns,
                moment.boot_ns,
                feedback_id,
                speaker.tenant,
                request.trace_id,
                request.span_id,
                words,
                source=speaker.source,
                channel=speaker.channel,
                key_id=speaker.key_id,
            )
            await self._intake.put(frames.encode(frame))
            result = First(sha256, found.target, found.status)
            if given.idempotency_key is None:
                return _reply(feedback_id, result, duplicate=False)
            first = await self._targets.remember(feedback_id, result)
            if first is result:
                return _reply(feedback_id, result, duplicate=False)
        if first.sha256 != sha256:
            message = "another feedback was sent under this idempotency key; a repeat must have the same body"
            raise RequestError(message, code="idempotency_conflict", status=409, param="Idempotency-Key")
        return _reply(feedback_id, first, duplicate=True)

    def _id_of(self, given: Given, tenant: str) -> str:
        if given.idempotency_key is None:
            return secrets.token_hex(16)
        return keyed_hash(self._secret, b"feedback", tenant.encode(), given.idempotency_key.encode())


def _reply(feedback_id: str, result: First, *, duplicate: bool) -> _Reply:
    """A repeat is told the first result, whatever is known meanwhile."""
    target = None if result.target is None else result.target._asdict()
    body = {"feedback_id": feedback_id, "status": "accepted", "duplicate": duplicate, "target": target}
    return _Reply(200 if duplicate else 202, body | {"target_status": result.status})


def _route(scope: Scope) -> None:
    """Let POST /v1/feedback through; raises `RequestError` for everything else that is reserved."""
    if scope["path"] != PATH:
        message = f"{scope['path']} is reserved and not served; feedback is sent with POST {PATH}"
        raise RequestError(message, code="unknown_url", status=404)
    if scope["method"] != "POST":
        message = f"{PATH} takes POST, not {scope['method']}; what was said is read from the admin listener"
        raise RequestError(message, code="method_not_allowed", status=405)


def _ids(scope: Scope) -> CallKey:
    """The ids that the observer gave this request; fresh ones where there is no observer around."""
    notes = scope.get(NOTES)
    context = parse_traceparent(notes.traceparent) if isinstance(notes, CallNotes) else None
    return CallKey(context.trace_id, context.span_id) if context else CallKey(new_trace_id(), new_span_id())


def _check_head(scope: Scope, limit: int) -> None:
    """Refuse what the head says already."""
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    coding = headers.get(b"content-encoding", b"identity").decode("latin-1")
    if coding.lower() != "identity":
        raise RequestError("send feedback without a content-encoding", code="unsupported_encoding", status=415)
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        _too_large(limit)


async def _piece(receive: Receive) -> _Piece:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientLeftError
    return _Piece(message.get("body", b""), message.get("more_body", False))


async def _rest(piece: _Piece, receive: Receive, limit: int) -> bytes:
    pieces, size = [piece.body], len(piece.body)
    while piece.more:
        piece = await _piece(receive)
        pieces.append(piece.body)
        size += len(piece.body)
        if size > limit:
            _too_large(limit)
    return b"".join(pieces)


def _too_large(limit: int) -> None:
    raise RequestError(f"a feedback has at most {limit} bytes", code="body_too_large", status=413)


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
