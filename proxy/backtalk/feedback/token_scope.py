"""What a token lets its holder say: of its one call, in its kinds, and about what it has said itself.

In: a feedback and the claims of its token. Out: the same feedback about the token's call, or a `RequestError`. The one
rule: whatever the body says, what leaves here names the token's call and nothing else. Ids of feedback that a token
gave can be told as its own without looking anything up: half of each is a keyed hash of the other half and the token.
"""

import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from backtalk.errors import RequestError
from backtalk.model.feedback import FeedbackBody, Target
from backtalk.model.feedback_token import TokenClaims
from backtalk.model.ids import keyed_hash, parse_traceparent

_NAMED: Final = ("trace_id", "request_id", "response_id", "traceparent", "session_id", "calls", "order")
_HALF_BYTES: Final = 8
_HALF_CHARS: Final = 2 * _HALF_BYTES


def with_call(fields: Mapping[str, Any], claims: TokenClaims) -> Mapping[str, Any]:
    """The body of a page that left it to its token to say what it is about."""
    if any(fields.get(name) is not None for name in _NAMED):
        return fields
    return {**fields, "trace_id": claims.call.trace_id, "span_id": claims.call.span_id}


def confined(body: FeedbackBody, claims: TokenClaims) -> FeedbackBody:
    """The feedback about the token's own call; raises `RequestError` (403) where it is about anything else."""
    if body.kind not in claims.kinds:
        allowed = ", ".join(sorted(claims.kinds)) or "nothing"
        raise _beyond(f"it allows {allowed}, not a {body.kind}", param="kind")
    if body.rater is not None:
        raise _beyond("it speaks for whoever reads the answer; leave rater out: the app's key names one", param="rater")
    if body.session_id is not None or body.response_id is not None:
        name = "session_id" if body.session_id is not None else "response_id"
        raise _beyond(f"leave {name} out: it is for the call {claims.call.request_id} alone", param=name)
    several = {
        "calls": tuple(_own(call, claims) for call in body.calls),
        "order": tuple(tuple(_own(call, claims) for call in group) for group in body.order),
        "shown": tuple(_own(call, claims) for call in body.shown),
    }
    if body.calls or body.order:
        return msgspec.structs.replace(body, **several)
    _check(body, claims)
    key = {"trace_id": claims.call.trace_id, "span_id": claims.call.span_id, "request_id": None, "traceparent": None}
    return msgspec.structs.replace(body, **several, **key)


def own_id(secret: bytes, claims: TokenClaims, idempotency_key: str | None) -> str:
    """The id of a feedback that comes with a token: the same for a repeat under the same key and token."""
    if idempotency_key is None:
        half = secrets.token_hex(_HALF_BYTES)
    else:
        parts = (b"feedback by token", claims.token_id.encode(), idempotency_key.encode())
        half = keyed_hash(secret, *parts, size_bytes=_HALF_BYTES)
    return half + _other_half(secret, claims, half)


def check_own(secret: bytes, claims: TokenClaims, feedback_id: str, *, param: str = "feedback_id") -> None:
    """Raise `RequestError` (403) where a feedback was not given with this token."""
    half, other = feedback_id[:_HALF_CHARS], feedback_id[_HALF_CHARS:]
    if not hmac.compare_digest(other.encode(), _other_half(secret, claims, half).encode()):
        raise _beyond("this feedback was not given with it", param=param)


def _other_half(secret: bytes, claims: TokenClaims, half: str) -> str:
    return keyed_hash(secret, b"own feedback", claims.token_id.encode(), half.encode(), size_bytes=_HALF_BYTES)


def _own(target: Target, claims: TokenClaims) -> Target:
    _check(target, claims)
    return Target(trace_id=claims.call.trace_id, span_id=claims.call.span_id, choice=target.choice)


def _check(target: FeedbackBody | Target, claims: TokenClaims) -> None:
    """Raise where a target is another call than the token's; a trace alone is taken for its one call."""
    if target.request_id is not None:
        fits = target.request_id == claims.call.request_id
    elif target.traceparent is not None:
        parent = parse_traceparent(target.traceparent)
        fits = parent is not None and (parent.trace_id, parent.span_id) == claims.call
    else:
        fits = target.trace_id == claims.call.trace_id and target.span_id in (None, claims.call.span_id)
    if not fits:
        raise _beyond(f"it is for the call {claims.call.request_id} alone", param="trace_id")


def _beyond(why: str, *, param: str) -> RequestError:
    return RequestError(f"this token does not allow it: {why}", code="token_scope", status=403, param=param)
