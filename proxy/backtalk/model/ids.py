"""Identifiers: W3C trace context in and out, call keys, keyed hashes.

In: header bytes from anyone. Out: lower-case hex that is always well-formed. A malformed `traceparent` is no error, it
is as if none had been sent (W3C Trace Context, section 4.3).
"""

import hashlib
import random
import re
from typing import Final, NamedTuple, NewType

TraceId = NewType("TraceId", str)
"""32 lower-case hex digits, not all zero (W3C Trace Context, section 3.2.2.3)."""
SpanId = NewType("SpanId", str)
"""16 lower-case hex digits, not all zero (W3C Trace Context, section 3.2.2.4)."""

_TRACEPARENT: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?",
    re.ASCII,
)
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_REQUEST_ID: Final = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})", re.ASCII)
_SPAN_ID: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16


class CallKey(NamedTuple):
    """The key of a call: many calls may share a trace, none shares both ids. `span_id` is the GenAI client span's."""

    trace_id: TraceId
    span_id: SpanId

    @property
    def request_id(self) -> str:
        """The key as the `x-request-id` header carries it: `{trace_id}-{span_id}`."""
        return f"{self.trace_id}-{self.span_id}"


class TraceParent(NamedTuple):
    """A well-formed `traceparent` header."""

    trace_id: TraceId
    span_id: SpanId
    flags: int


def new_trace_id() -> TraceId:
    """Mint a random W3C trace id."""
    return TraceId(f"{random.getrandbits(128) or 1:032x}")


def new_span_id() -> SpanId:
    """Mint a random W3C span id."""
    return SpanId(f"{random.getrandbits(64) or 1:016x}")


def new_ids() -> tuple[TraceId, SpanId, SpanId]:
    """Mint a trace id and two span ids from one draw."""
    digits = random.getrandbits(256).to_bytes(32, "big").hex()
    ids = TraceId(digits[:32]), SpanId(digits[32:48]), SpanId(digits[48:])
    return (new_trace_id(), new_span_id(), new_span_id()) if _NO_SPAN in ids else ids


def parse_traceparent(value: str) -> TraceParent | None:
    """Read a `traceparent`; None where it is malformed, all-zero, or of the forbidden version ff."""
    match = _TRACEPARENT.fullmatch(value.strip())
    if match is None or match["version"] == "ff" or (match["version"] == "00" and match["rest"]):
        return None
    if match["trace"] == _NO_TRACE or match["span"] == _NO_SPAN:
        return None
    return TraceParent(TraceId(match["trace"]), SpanId(match["span"]), int(match["flags"], 16))


def parse_request_id(value: str) -> CallKey | None:
    """Read an `x-request-id` that Backtalk gave; None for any other text."""
    match = _REQUEST_ID.fullmatch(value)
    if match is None:
        return None
    trace_id, span_id = match.groups()
    return CallKey(TraceId(trace_id), SpanId(span_id)) if trace_id != _NO_TRACE and span_id != _NO_SPAN else None


def parse_trace_id(value: str) -> TraceId | None:
    """Read a trace id; None where it is not 32 lower-case hex digits or all zero."""
    return TraceId(value) if _TRACE_ID.fullmatch(value) and value != _NO_TRACE else None


def parse_span_id(value: str) -> SpanId | None:
    """Read a span id; None where it is not 16 lower-case hex digits or all zero."""
    return SpanId(value) if _SPAN_ID.fullmatch(value) and value != _NO_SPAN else None


def keyed_hash(secret: bytes, *parts: bytes, size_bytes: int = 16) -> str:
    """Hash length-prefixed parts with BLAKE2b under the installation's secret, as hex.

    Keyed, since hashes of short texts and of API keys can be guessed; length-prefixed, so that parts cannot run
    into each other.
    """
    told = b"".join([len(part).to_bytes(8, "big") + part for part in parts])
    return hashlib.blake2b(told, key=secret, digest_size=size_bytes).hexdigest()
