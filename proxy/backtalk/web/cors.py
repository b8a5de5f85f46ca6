"""What a browser is told of a page of another site (CORS, Fetch standard): whether it may ask, and what it may read.

In: the origins that settings allow, a request's fields. Out: header fields for its response. The one rule: an allowed
origin is named itself, never by `*`; credentials of the browser's own (cookies) are never asked for, since nothing here
is decided by them; and whatever depends on the origin says so by `Vary`.
"""

import re
from collections.abc import Mapping
from typing import Final

from backtalk.model.exchange import Fields
from backtalk.model.origins import Origins

EXPOSED: Final = (
    b"x-request-id, x-trace-id, traceresponse, x-upstream-request-id, x-feedback-token, x-feedback-ask, "
    b"x-backtalk-target, x-backtalk-cache, x-backtalk-attempts, retry-after, x-ratelimit-limit-requests, "
    b"x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, "
    b"x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens, openai-processing-ms, allow"
)
"""The response's fields that a page's script may read; without this it could see none of ours."""
MAX_AGE_S: Final = 600
"""How long a browser may remember the answer to its question, and so how long a revoked origin may live on."""
_LIST: Final = re.compile(rb"[A-Za-z0-9_-]+(?: *, *[A-Za-z0-9_-]+)*")
_MOST_LIST_BYTES: Final = 2048
_VARY: Final = (b"vary", b"Origin")
_VARY_PREFLIGHT: Final = (
    b"vary",
    b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network",
)


class Cors:
    """The answers to browsers, for one list of origins and the methods of one part of the API."""

    def __init__(self, origins: Origins, *, methods: bytes) -> None:
        self.origins = origins
        self._methods = methods

    def fields(self, known: Mapping[bytes, bytes]) -> Fields:
        """What is put on a response: for a page that may read it, that it may; for all, on what it depends."""
        origin = known.get(b"origin")
        if origin is None or not self.origins.lists(origin):
            return [_VARY] if self.origins else []
        return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED), _VARY]

    def preflight(self, known: Mapping[bytes, bytes]) -> Fields:
        """What answers the question before a request; where the origin may not ask, it says nothing that allows it."""
        origin = known.get(b"origin", b"")
        if not self.origins.lists(origin):
            return [_VARY_PREFLIGHT]
        found = [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", self._methods),
            (b"access-control-max-age", b"%d" % MAX_AGE_S),
            _VARY_PREFLIGHT,
        ]
        wanted = known.get(b"access-control-request-headers", b"").strip()
        if wanted and len(wanted) <= _MOST_LIST_BYTES and _LIST.fullmatch(wanted):
            found.append((b"access-control-allow-headers", wanted))
        if known.get(b"access-control-request-private-network") == b"true":
            found.append((b"access-control-allow-private-network", b"true"))
        return found


def is_preflight(method: str, known: Mapping[bytes, bytes]) -> bool:
    """Whether a browser asks whether a page may send a request."""
    return method == "OPTIONS" and b"origin" in known and b"access-control-request-method" in known


def joined(headers: Fields, ours: Fields) -> Fields:
    """A response's fields with ours in place of any of the same kind that it had; what it varied by, it still does."""
    kept = [field for field in headers if not field[0].startswith(b"access-control-")]
    return [*kept, *ours]
