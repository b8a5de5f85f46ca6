"""What was said of a call or a session, as the door accepted it and the spool keeps it.

In: a checked body. Out: canonical JSON (sorted keys, absent fields left out), so that the same words have the same
sha256. `feedback.body` checks; nothing else makes a `FeedbackBody` from outside.
"""

import hashlib
from typing import Any, Final

import msgspec

from backtalk.model.facts import FeedbackKind


class FeedbackBody(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A checked feedback: what was said, and exactly one of the fields that name what it is about.

    `value` is a boolean (rating), a finite number (score), a text (comment), or a text or an assistant message
    (correction).
    """

    kind: FeedbackKind
    value: Any
    trace_id: str | None = None
    span_id: str | None = None
    """Only beside `trace_id`."""
    request_id: str | None = None
    response_id: str | None = None
    traceparent: str | None = None
    session_id: str | None = None
    comment: str | None = None
    metric: str | None = None
    rater: str | None = None


_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decoder: Final[msgspec.json.Decoder[FeedbackBody]] = msgspec.json.Decoder(FeedbackBody)


def canonical(body: FeedbackBody) -> bytes:
    """The body's canonical JSON."""
    return _encode(body)


def sha256_of(canonical_body: bytes) -> str:
    """By which a repeat is told from another feedback under the same key."""
    return hashlib.sha256(canonical_body).hexdigest()


def read(canonical_body: bytes) -> FeedbackBody:
    """Read a body that `canonical` wrote; raises `msgspec.MsgspecError` for anything else."""
    return _decoder.decode(canonical_body)


def value_json(body: FeedbackBody) -> str:
    """The value's canonical JSON."""
    return _encode(body.value).decode()
