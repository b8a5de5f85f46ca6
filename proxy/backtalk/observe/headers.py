"""Which headers are put on responses, and which of a call's headers are copied into the spool.

In: header fields with lower-case names. Out: lists of fields. The one rule: what is copied is named here; credentials,
cookies and everything unnamed stay out.
"""

from collections.abc import Sequence
from typing import Final

from backtalk.observe.context import CallContext
from backtalk.observe.tenants import CREDENTIALS

Fields = list[tuple[bytes, bytes]]
"""Header fields as ASGI has them."""

_OURS: Final = frozenset((b"x-request-id", b"x-trace-id", b"traceresponse", b"x-upstream-request-id"))
_REQUEST: Final = frozenset(
    (
        b"accept",
        b"content-encoding",
        b"content-type",
        b"idempotency-key",
        b"session-id",
        b"user-agent",
        b"x-client-request-id",
        b"x-conversation-id",
        b"x-session-id",
    )
)
_REQUEST_PREFIXES: Final = (b"x-stainless-", b"x-backtalk-")
_RESPONSE: Final = frozenset(
    (b"content-encoding", b"content-type", b"openai-model", b"openai-processing-ms", b"retry-after", b"x-request-id")
)
_RESPONSE_PREFIXES: Final = (b"x-ratelimit-",)
_VALUE_BYTES: Final = 1024
_FIELDS: Final = 64


class RequestCopy:
    """Chooses the request headers that the spool may see."""

    def __init__(self, session_header: str) -> None:
        named = session_header.lower().encode("latin-1")
        self._names = (_REQUEST | {named}) - CREDENTIALS - {b"cookie"}

    def __call__(self, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
        """The fields to keep, values cut at 1 KiB."""
        names = self._names
        return _text([f for f in headers if f[0] in names or f[0].startswith(_REQUEST_PREFIXES)])


def response_copy(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """The fields of the upstream's response to keep, its own `x-request-id` among them."""
    return _text([f for f in headers if f[0] in _RESPONSE or f[0].startswith(_RESPONSE_PREFIXES)])


def with_ids(headers: Sequence[tuple[bytes, bytes]], context: CallContext) -> Fields:
    """The response's fields with the call's ids in place of any the upstream sent; its request id is kept apart."""
    kept = [f for f in headers if f[0] not in _OURS]
    kept += id_fields(context)
    upstream = next((value for name, value in headers if name == b"x-request-id"), None)
    if upstream is not None:
        kept.append((b"x-upstream-request-id", upstream))
    return kept


def id_fields(context: CallContext) -> Fields:
    """The three fields that every response carries."""
    trace, parent = context.trace_id.encode(), context.traceparent.encode()
    return [(b"x-request-id", parent[3:52]), (b"x-trace-id", trace), (b"traceresponse", parent)]


def _text(fields: Fields) -> list[tuple[str, str]]:
    return [(n.decode("latin-1"), v[:_VALUE_BYTES].decode("latin-1")) for n, v in fields[:_FIELDS]]
