"""Header fields and paths on their way through the relay: pure functions.

In: fields of one side, names in lower case. Out: fields of the other. The one rule: order and repetition stay; only
what belongs to one connection is dropped (RFC 9110, section 7.6.1).
"""

from collections.abc import Sequence
from typing import Final

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
_CREDENTIALS: Final = frozenset((b"authorization", b"api-key", b"x-api-key"))
_KEPT_ALWAYS: Final = frozenset((b"content-length", b"content-type"))


class RequestFields:
    """Makes the request's fields for the upstream: its key in place of the app's, trace context where switched on."""

    def __init__(self, *, authorization: bytes | None, trace: bool) -> None:
        own = (_TRACE if trace else frozenset[bytes]()) | (_CREDENTIALS if authorization else frozenset[bytes]())
        self._dropped = _NOT_SENT_ON | own
        self._added: Fields = [(b"authorization", authorization)] if authorization else []
        self._trace = trace

    def __call__(self, fields: Sequence[tuple[bytes, bytes]], *, traceparent: str, tracestate: str) -> Fields:
        """The fields to send; an empty `traceparent` adds none."""
        kept = _without(fields, self._dropped)
        kept += self._added
        if self._trace and traceparent:
            kept.append((b"traceparent", traceparent.encode("ascii")))
            if tracestate:
                kept.append((b"tracestate", tracestate.encode("ascii")))
        return kept


def response_fields(fields: Sequence[tuple[bytes, bytes]]) -> Fields:
    """The response's fields for the client."""
    return _without(fields, _HOP_BY_HOP)


def target_of(raw_path: bytes, query: bytes, *, prefix: bytes, base: bytes) -> bytes:
    """The request target at the upstream: `base` stands for `prefix`; raises `RequestError` for dot segments."""
    if not raw_path.startswith(prefix):
        raise failures.bad_path()
    rest = raw_path[len(prefix) :]
    if b"." in rest or b"%" in rest:
        segments = rest.lower().replace(b"%2e", b".").replace(b"%2f", b"/").replace(b"%5c", b"/").split(b"/")
        if b".." in segments or b"." in segments:
            raise failures.bad_path()
    return base + rest + (b"?" + query if query else b"")


def _without(fields: Sequence[tuple[bytes, bytes]], dropped: frozenset[bytes]) -> Fields:
    """Leave out what is hop-by-hop by name, and what `connection` says is."""
    known = dict(fields)
    connection = known.get(b"connection")
    if connection is not None and (connection.lower() != b"keep-alive" or len(known) != len(fields)):
        values = b",".join([value for name, value in fields if name == b"connection"]).lower()
        dropped = dropped.union({token.strip() for token in values.split(b",")} - _KEPT_ALWAYS)
    found = dropped.intersection(known)
    if len(known) != len(fields):
        return [field for field in fields if field[0] not in found]
    kept = [*fields]  # each name is there once: taking few away is cheaper than looking at all
    for name in found:
        kept.remove((name, known[name]))
    return kept
