"""Header fields and paths on their way through the relay: pure functions.

In: fields of one side, names in lower case. Out: fields of the other. The one rule: order and repetition stay; only
what belongs to one connection is dropped (RFC 9110, section 7.6.1).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from backtalk.model.endpoints import PREFIXES
from backtalk.relay import failures

Fields = list[tuple[bytes, bytes]]
"""Header fields, names in lower case, in order."""

_HOP_BY_HOP: Final = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_NOT_SENT_ON: Final = _HOP_BY_HOP | {b"host", b"expect", b"http2-settings"}
_TRACE: Final = frozenset((b"traceparent", b"tracestate"))
_CREDENTIALS: Final = frozenset((b"authorization", b"api-key", b"x-api-key", b"x-goog-api-key"))
_KEPT_ALWAYS: Final = frozenset((b"content-length", b"content-type"))
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ENCODED_AGAIN: Final = re.compile(rb"%(?:25)+")
_SEPARATOR: Final = re.compile(rb"/|\\|%2f|%5c")
_DOTS: Final = re.compile(rb"(?:\.|%2e){1,2}(?:;.*|%[01][0-9a-f].*|%20.*)?", re.DOTALL)
"""A dot segment in the spellings that some server reads as one: with parameters, a NUL or a space behind it."""


class RequestFields:
    """Makes the request's fields for the upstream: its key in place of the app's, trace context where switched on.

    A bearer token goes where the app's key was: into `x-api-key` or `api-key` where the app's dialect has it there.
    """

    def __init__(self, *, credential: tuple[bytes, bytes] | None, trace: bool, client_key: bool = True) -> None:
        hidden = credential is not None or not client_key
        own = (_TRACE if trace else frozenset[bytes]()) | (_CREDENTIALS if hidden else frozenset[bytes]())
        self._dropped = _NOT_SENT_ON | own | {b"content-length"}
        self._credential = credential
        self._trace = trace

    def lasting(self, fields: Sequence[tuple[bytes, bytes]]) -> Fields:
        """What is the same for every request with these fields: all but content-length and trace context."""
        kept = _without(fields, self._dropped)
        if self._credential is not None:
            kept.append(_placed(self._credential, fields))
        return kept

    def own(self, length: bytes | None, *, traceparent: str, tracestate: str) -> Fields:
        """What is this one request's; an empty `traceparent` adds none."""
        fields = [] if length is None else [(b"content-length", length)]
        if self._trace and traceparent:
            fields.append((b"traceparent", traceparent.encode("ascii")))
            if tracestate:
                fields.append((b"tracestate", tracestate.encode("ascii")))
        return fields


def check(method: str, known: Mapping[bytes, bytes]) -> None:
    """Refuse what must not be sent on; raises `RequestError`.

    TRACE has the upstream send back what it was sent, our key among it; after CONNECT a connection has no framing; a
    transfer coding other than chunked would be lost, since it is the connection's and not the body's.
    """
    if method not in _METHODS:
        raise failures.bad_method(_METHODS)
    coding = known.get(b"transfer-encoding")
    if coding is not None and coding.lower() != b"chunked":
        raise failures.bad_transfer_coding()


def credential_field(header: bytes, key: str) -> tuple[bytes, bytes]:
    """The field that carries a key."""
    return header, (b"Bearer " if header == b"authorization" else b"") + key.encode()


def response_fields(fields: Sequence[tuple[bytes, bytes]]) -> Fields:
    """The response's fields for the client."""
    return _without(fields, _HOP_BY_HOP)


def target_of(raw_path: bytes, query: bytes, *, prefix: bytes, base: bytes) -> bytes:
    """The request target at the upstream; raises `RequestError` for dot segments.

    `base` stands for `prefix`. Azure's and Ollama's paths are absolute there: they go where `base` would be without its
    own `/v1` or `/openai/v1`.
    """
    if raw_path.startswith(prefix):
        rest = raw_path[len(prefix) :]
    elif raw_path.startswith(PREFIXES):
        base, rest = base.removesuffix(b"/v1").removesuffix(b"/openai"), raw_path
    else:
        raise failures.bad_path()
    if b"." in rest or b"%" in rest:
        segments = _SEPARATOR.split(_ENCODED_AGAIN.sub(b"%", rest.lower()))
        if any(map(_DOTS.fullmatch, segments)):
            raise failures.bad_path()
    return base + rest + (b"?" + query if query else b"")


def _placed(credential: tuple[bytes, bytes], fields: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    known = dict(fields)
    if credential[0] == b"authorization" and b"authorization" not in known:
        for name in (b"x-api-key", b"api-key"):
            if name in known:
                return name, credential[1].removeprefix(b"Bearer ")
    return credential


def _without(fields: Sequence[tuple[bytes, bytes]], dropped: frozenset[bytes]) -> Fields:
    """Leave out what is hop-by-hop by name, and what `connection` says is."""
    kept = [field for field in fields if field[0] not in dropped]
    if len(kept) == len(fields) or b"connection" not in dict(fields):
        return kept
    values = b",".join([value for name, value in fields if name == b"connection"]).lower()
    if values == b"keep-alive":
        return kept
    named = {token.strip() for token in values.split(b",")} - _KEPT_ALWAYS
    return [field for field in kept if field[0] not in named]
