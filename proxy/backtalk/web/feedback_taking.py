"""Taking feedback that was read as JSON: the same for every way in.

In: feedback and who gives it. Out: a reply for each, once it is durable in the spool, else an error. The one rule:
nothing is acknowledged before `Intake.put` returned, and nothing but the disk can make it wait long.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from backtalk import clock
from backtalk.errors import BacktalkError, RequestError, StoreError
from backtalk.feedback.admission import Speaker, admit
from backtalk.feedback.envelope import item
from backtalk.feedback.token_scope import check_own, confined, own_id, with_call
from backtalk.model import feedback, frames
from backtalk.model.feedback import FeedbackBody
from backtalk.model.feedback_token import TokenClaims
from backtalk.model.ids import CallKey, keyed_hash
from backtalk.session.targets import First, Targets
from backtalk.session.token_counts import TokenCounts
from backtalk.settings import FeedbackSettings
from backtalk.settings.metrics import MetricSettings
from backtalk.web.feedback_request import Reply

COUNTED_BYTES: Final = 16_384
"""A feedback by token counts once more for each of these."""
_ASKED: Final = (
    "nothing was kept; for the call and for a repeat Redis alone was asked, and only for as long as it remembers: what "
    "it does not know may be known where feedback is read, and what only the call can reject shows there"
)


class Intake(Protocol):
    """The part of `spool.Spool` that takes feedback."""

    async def put(self, payload: bytes) -> None:
        """Return once the frame is durable; raises `StoreError` where it cannot be."""
        ...


class By(NamedTuple):
    """Who gives feedback, by which request; `claims` where it comes with a token."""

    speaker: Speaker
    request: CallKey
    claims: TokenClaims | None = None
    idempotency_key: str | None = None
    dryrun: bool = False


class _Checked(NamedTuple):
    feedback_id: str
    body: FeedbackBody
    words: bytes
    sha256: str
    repeatable: bool


class Taking:
    """Checks feedback, asks what is known of it, makes it durable, and says so."""

    def __init__(
        self,
        intake: Intake,
        targets: Targets,
        counts: TokenCounts,
        *,
        secret: bytes,
        settings: FeedbackSettings,
        declared: Mapping[str, MetricSettings] | None = None,
    ) -> None:
        self._intake = intake
        self._targets = targets
        self._counts = counts
        self._secret = secret
        self._settings = settings
        self._declared = declared or {}

    async def one(self, fields: Mapping[str, Any], by: By) -> Reply:
        """Take one feedback; raises `BacktalkError` where it is not taken."""
        checked = self._check(fields, by)
        if by.claims is not None:
            await self._count(by, by.claims, self._amount(checked))
        return await self._put(checked, by)

    async def several(self, items: Sequence[object], by: By) -> list[Reply | BacktalkError]:
        """Take each by itself, and say of each how it went, in order; raises where the disk takes nothing at all."""
        checked = [self._checked(one, by) for one in items]
        first: dict[str, _Checked] = {}
        for one in checked:
            if isinstance(one, _Checked):
                first.setdefault(one.feedback_id, one)
        if by.claims is not None and first:
            await self._count(by, by.claims, sum(map(self._amount, first.values())))
        said = await asyncio.gather(*(self._put(one, by) for one in first.values()), return_exceptions=True)
        replies = dict(zip(first, map(_known, said), strict=True))
        if replies and all(isinstance(reply, StoreError) for reply in replies.values()):
            raise next(reply for reply in replies.values() if isinstance(reply, StoreError))
        return [
            one if isinstance(one, BacktalkError) else _again(one, first[one.feedback_id], replies[one.feedback_id])
            for one in checked
        ]

    async def retract(self, feedback_id: str, by: By) -> Reply:
        """Take back what was given; whether it was there to be taken back is told where both meet."""
        if by.claims is not None:
            check_own(self._secret, by.claims, feedback_id)
            await self._count(by, by.claims, 1)
        trace_id, span_id = (None, None) if by.claims is None else by.claims.call
        body = FeedbackBody(kind="retraction", supersedes=feedback_id, trace_id=trace_id, span_id=span_id)
        what = b"retraction" if by.claims is None else b"retraction by token"  # each is a feedback of its own
        own = keyed_hash(self._secret, what, by.speaker.tenant.encode(), feedback_id.encode())
        reply = await self._put(_sealed(own, body, repeatable=True), by)
        return Reply(reply.status, {**reply.body, "retracts": feedback_id})

    def check_own(self, feedback_id: str, claims: TokenClaims) -> None:
        """Raise `RequestError` where a token did not give this feedback."""
        check_own(self._secret, claims, feedback_id)

    def _checked(self, value: object, by: By) -> _Checked | BacktalkError:
        try:
            return self._check(item(value), by)
        except BacktalkError as error:
            return error

    def _check(self, fields: Mapping[str, Any], by: By) -> _Checked:
        from backtalk.feedback.body import parse_object  # noqa: PLC0415 -- a proxy without feedback loads no models

        claims, settings = by.claims, self._settings
        said = fields if claims is None else with_call(fields, claims)
        given = parse_object(said, idempotency_key=by.idempotency_key, now_ns=clock.now().wall_ns)
        body = given.body if claims is None else confined(given.body, claims)
        if claims is not None and body.supersedes is not None:
            check_own(self._secret, claims, body.supersedes, param="supersedes")
        body = admit(
            body,
            by.speaker,
            secret=self._secret,
            declared=self._declared,
            declared_only=settings.declared_metrics_only,
        )
        key = given.idempotency_key
        return _sealed(self._id_of(key, by), body, repeatable=key is not None)

    def _id_of(self, key: str | None, by: By) -> str:
        if by.claims is not None:
            return own_id(self._secret, by.claims, key)
        if key is None:
            return secrets.token_hex(16)
        return keyed_hash(self._secret, b"feedback", by.speaker.tenant.encode(), key.encode())

    def _amount(self, checked: _Checked) -> int:
        """What a feedback takes of its token's limit, which so is one of bytes too."""
        return min(1 + len(checked.words) // COUNTED_BYTES, self._settings.tokens.limit)

    async def _count(self, by: By, claims: TokenClaims, amount: int) -> None:
        """Hold a token to what it may give in its life."""
        if by.dryrun:
            return
        limit, ttl_s = self._settings.tokens.limit, claims.expires_s - clock.now().wall_ns // clock.NS_PER_S
        if not await self._counts.allows(claims.token_id, amount, limit=limit, ttl_s=ttl_s):
            message = f"this token has given the {limit} feedback that it may; take the one of a newer response"
            raise RequestError(message, code="token_used_up", status=429)

    async def _put(self, checked: _Checked, by: By) -> Reply:
        feedback_id, _, _, sha256, repeatable = checked
        found = await self._targets.look_up(by.speaker.tenant, feedback_id if repeatable else None, checked.body)
        first = found.first
        if first is None:
            result = First(sha256, found.target, found.status)
            if by.dryrun:
                return _dry(checked, result)
            await self._intake.put(_frame(checked, by))
            if not repeatable:
                return _reply(feedback_id, result, duplicate=False)
            first = await self._targets.remember(feedback_id, result)
            if first is result:
                return _reply(feedback_id, result, duplicate=False)
        if first.sha256 != sha256:
            raise _conflict()
        return _reply(feedback_id, first, duplicate=True)


def _sealed(feedback_id: str, body: FeedbackBody, *, repeatable: bool) -> _Checked:
    words = feedback.canonical(body)
    return _Checked(feedback_id, body, words, feedback.sha256_of(words), repeatable)


def _frame(checked: _Checked, by: By) -> bytes:
    moment, speaker = clock.now(), by.speaker
    frame = frames.Feedback(
        wall_ns=moment.wall_ns,
        boot_ns=moment.boot_ns,
        feedback_id=checked.feedback_id,
        tenant=speaker.tenant,
        trace_id=by.request.trace_id,
        span_id=by.request.span_id,
        body=checked.words,
        source=speaker.source,
        channel=speaker.channel,
        key_id=speaker.key_id,
    )
    return frames.encode(frame)


def _reply(feedback_id: str, result: First, *, duplicate: bool) -> Reply:
    """A repeat is told the first result, whatever is known meanwhile."""
    target = None if result.target is None else result.target._asdict()
    body = {"feedback_id": feedback_id, "status": "accepted", "duplicate": duplicate, "target": target}
    return Reply(200 if duplicate else 202, body | {"target_status": result.status})


def _dry(checked: _Checked, result: First) -> Reply:
    """What would be answered and who was asked; an id that would be drawn anew is not told."""
    feedback_id = checked.feedback_id if checked.repeatable else None
    said = _reply(checked.feedback_id, result, duplicate=False).body
    return Reply(200, said | {"feedback_id": feedback_id, "status": "valid", "dryrun": True, "message": _ASKED})


def _again(one: _Checked, first: _Checked, reply: Reply | BacktalkError) -> Reply | BacktalkError:
    """The reply to one of several; the second under an id in one body is a repeat, or another feedback."""
    if one is first or isinstance(reply, BacktalkError):
        return reply
    return Reply(200, reply.body | {"duplicate": True}) if one.sha256 == first.sha256 else _conflict()


def _known(said: Reply | BaseException) -> Reply | BacktalkError:
    if isinstance(said, Reply | BacktalkError):
        return said
    raise said


def _conflict() -> RequestError:
    message = "another feedback was sent under this idempotency key; a repeat must have the same body"
    return RequestError(message, code="idempotency_conflict", status=409, param="Idempotency-Key")
