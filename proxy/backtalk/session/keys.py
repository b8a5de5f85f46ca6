"""Every Redis key is made here: a two-byte tag, a slot tag of the scope, and a keyed hash.

In: digests that are already keyed with the installation's secret and bound to a scope (tenant, end user, declared
session). Out: binary keys. The one rule: no key without a scope or a tenant in its hash, so tenants never share one.
The part in braces makes Redis Cluster keep the keys of one scope in one slot, which the arrival script needs.
"""

import base64
from typing import Final

from backtalk.model.ids import SpanId, TraceId, keyed_hash

FRONTIER: Final = b"F:"
"""History up to and including an answer -> the calls that gave it."""
ANSWER: Final = b"A:"
"""An answer's text in its scope -> the calls that gave it."""
REQUEST: Final = b"Q:"
"""A whole history -> the calls that asked with it."""
CHILDREN: Final = b"P:"
"""A history up to an answer, or an answer's text -> the calls that continued it."""
SAID: Final = b"W:"
"""A user's words in their scope -> the calls that brought them."""
RECENT: Final = b"U:"
"""A scope and client -> its latest first turns."""
CALL: Final = b"C:"
"""A call -> what is known of it: arrival, link, completion, continuation."""
RESPONSE: Final = b"R:"
"""A provider's response id within a tenant -> the call (feedback's look-up)."""
TRACE: Final = b"T:"
"""A trace id within a tenant -> its calls (feedback's look-up)."""
IDEMPOTENCY: Final = b"I:"
"""A feedback id -> hash of its body (feedback's repeats)."""
USED: Final = b"V:"
"""A virtual key, what is counted, and a window -> how much."""
TOKEN: Final = b"B:"
"""A feedback token -> how much feedback it has given."""

DIGEST_BYTES: Final = 12
TRACE_SPANS: Final = 8
"""How many calls of one trace a look-up can name."""


def scoped(tag: bytes, scope: bytes, digest: bytes) -> bytes:
    """The key of a digest in a scope."""
    return tag + b"{" + base64.b64encode(scope[:6]) + b"}" + digest[:DIGEST_BYTES]


def call_prefix(scope: bytes) -> bytes:
    """What the arrival script puts before a span's eight bytes to find its call in the same scope."""
    return scoped(CALL, scope, b"")


def call(scope: bytes, span_id: SpanId) -> bytes:
    """The key of a call in its scope."""
    return call_prefix(scope) + bytes.fromhex(span_id)


def response(secret: bytes, tenant: str, response_id: str) -> bytes:
    """The key under which a tenant's response id names its call."""
    return RESPONSE + _hash(secret, b"response", tenant, response_id)


def trace(secret: bytes, tenant: str, trace_id: TraceId) -> bytes:
    """The key under which a tenant's trace id names its calls."""
    return TRACE + _hash(secret, b"trace", tenant, trace_id)


def idempotency(secret: bytes, feedback_id: str) -> bytes:
    """The key under which a feedback id remembers its body."""
    return IDEMPOTENCY + _hash(secret, b"feedback", "", feedback_id)


def used(secret: bytes, key_id: str, what: str, window: int) -> bytes:
    """The counter of what a virtual key uses in a window of time."""
    return USED + _hash(secret, b"used", key_id, f"{what} {window}")


def token(secret: bytes, token_id: str) -> bytes:
    """The counter of the feedback that a token has given."""
    return TOKEN + _hash(secret, b"token", "", token_id)


def _hash(secret: bytes, what: bytes, tenant: str, name: str) -> bytes:
    return bytes.fromhex(keyed_hash(secret, what, tenant.encode(), name.encode(), size_bytes=DIGEST_BYTES))
