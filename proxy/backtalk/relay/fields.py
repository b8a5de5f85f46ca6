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


def request_fields(
    fields: Sequence[tuple[bytes, bytes]], *, authorization: bytes | None, trace: tuple[str, str] | None
) -> Fields:
    """The request's fields for the upstream; `trace` None leaves the app's own trace context in place."""
    dropped: frozenset[bytes] | set[bytes] = _NOT_SENT_ON
    if trace is not None:
        dropped |= _TRACE
    if authorization is not None:
        dropped |= _CREDENTIALS
    kept = _without(fields, dropped)
    if authorization is not None:
        kept.append((b"authorization", authorization))
    if trace is not None and trace[0]:
        kept.append((b"traceparent", trace[0].encode("ascii")))
        if trace[1]:
            kept.append((b"tracestate", trace[1].encode("ascii")))
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


def _without(fields: Sequence[tuple[bytes, bytes]], dropped: frozenset[bytes] | set[bytes]) -> Fields:
    named = [value for name, value in fields if name == b"connection"]
    if named:
        tokens = b",".join(named).lower().split(b",")
        dropped = dropped | ({token.strip() for token in tokens} - {b"content-length", b"content-type"})
    return [field for field in fields if field[0] not in dropped]
