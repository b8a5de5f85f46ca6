"""Which headers are put on responses, and which of a call's headers and query are copied into the spool.

In: header fields with lower-case names, a query. Out: lists of fields, a query. The one rule: what is copied is named
here; credentials, cookies and everything unnamed stay out.
"""

from collections.abc import Sequence
from typing import Final

from backtalk.observe.context import CallContext
from backtalk.observe.tenants import CREDENTIALS

Fields = list[tuple[bytes, bytes]]
"""Header fields as ASGI has them."""

ASK: Final = b"x-feedback-ask"
_OURS: Final = frozenset((b"x-request-id", b"x-trace-id", b"traceresponse", b"x-upstream-request-id"))
_REQUEST: Final = frozenset(
    (
        b"accept",
        b"anthropic-beta",
        b"anthropic-version",
        b"content-encoding",
        b"content-type",
        b"idempotency-key",
        b"openai-beta",
        b"session-id",
        b"user-agent",
        b"x-client-request-id",
        b"x-conversation-id",
        b"x-prompt-name",
        b"x-prompt-version",
        b"x-session-id",
    )
)
_REQUEST_PREFIXES: Final = (b"x-stainless-", b"x-backtalk-")
_RESPONSE: Final = frozenset(
    (b"content-encoding", b"content-type", b"openai-model", b"openai-processing-ms", b"retry-after", b"x-request-id")
) | frozenset((b"apim-request-id", b"content-range", b"request-id"))
_RESPONSE_PREFIXES: Final = (b"x-ratelimit-", b"anthropic-ratelimit-")
_QUERY: Final = frozenset(
    {"after", "api-version", "before", "deployment", "include", "include[]", "intent", "limit", "model", "order"}
    | {"purpose", "starting_after", "stream"}
)
_NAMES: Final = 512
_SECRET: Final = frozenset((b"cookie", b"proxy-authorization"))


class Chooser(dict[bytes, str]):
    """Chooses the fields that the spool may see, by name; what it has said of a name it remembers, "" for unseen ones.

    Values are bounded where heads are: in the server and in the upstream client.
    """

    def __init__(self, names: frozenset[bytes], prefixes: tuple[bytes, ...]) -> None:
        super().__init__()
        self._names = names
        self._prefixes = prefixes

    def __call__(self, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
        """The fields to keep, in their order."""
        return [(text, value.decode("latin-1")) for name, value in headers if (text := self[name])]

    def __missing__(self, name: bytes) -> str:
        """Decide about a name; looked up only once, as long as it is remembered."""
        if len(self) >= _NAMES:
            self.clear()
        kept = name in self._names or name.startswith(self._prefixes)
        text = self[name] = name.decode("latin-1") if kept else ""
        return text


def request_chooser(session_header: str) -> Chooser:
    """What of a request is kept; the configured session header with it, unless it would be a secret."""
    named = session_header.lower().encode("latin-1")
    return Chooser((_REQUEST | {named}).difference(CREDENTIALS, _SECRET), _REQUEST_PREFIXES)


def response_chooser() -> Chooser:
    """What of the upstream's response is kept, its own `x-request-id` among it."""
    return Chooser(_RESPONSE, _RESPONSE_PREFIXES)


def chosen_query(query: str) -> str:
    """The parameters of a query that may be kept, as they were spelled."""
    if not query:
        return ""
    pairs = (pair for pair in query.split("&") if ";" not in pair)  # some servers take it as another separator
    return "&".join(pair for pair in pairs if pair.partition("=")[0] in _QUERY)


def with_ids(headers: Sequence[tuple[bytes, bytes]], context: CallContext) -> Fields:
    """The response's fields with the call's ids in place of any the upstream sent; its request id is kept apart."""
    fields = dict(headers)
    kept = [*headers] if _OURS.isdisjoint(fields) else [f for f in headers if f[0] not in _OURS]
    kept += id_fields(context)
    upstream = fields.get(b"x-request-id")
    if upstream is not None:
        kept.append((b"x-upstream-request-id", upstream))
    return kept


def with_field(fields: Fields, name: bytes, value: bytes) -> Fields:
    """The response's fields with one of ours, in place of one of another Backtalk behind this one."""
    return [*(field for field in fields if field[0] != name), (name, value)]


def id_fields(context: CallContext) -> Fields:
    """The three fields that every response carries."""
    trace, parent = context.trace_id.encode(), context.traceparent.encode()
    return [(b"x-request-id", parent[3:52]), (b"x-trace-id", trace), (b"traceresponse", parent)]
