"""GET /feedback.js: the script for pages, as it stands beside this module.

In: HTTP. Out: the script, or 304 where the browser has it. The one rule: it is the same for everybody and knows nothing
of anybody, so any page may load it, and any cache may keep it for a while.
"""

import gzip
import hashlib
from pathlib import Path
from typing import Final, NamedTuple, Self

from backtalk.errors import RequestError
from backtalk.model.asgi import Receive, Scope, Send
from backtalk.model.endpoints import FEEDBACK_SCRIPT

SOURCE: Final = Path(__file__).with_name("feedback.js")
MAX_AGE_S: Final = 600
"""How long a browser uses it unasked: a new version is everywhere after that."""
MODULE: Final = b"module"
"""The query under which it is an ES module with exports."""
_EXPORTS: Final = b"""
globalThis.backtalk.url ||= new URL(import.meta.url).origin;
export const { attach, fromResponse, distance } = globalThis.backtalk;
export default globalThis.backtalk;
"""
_FIELDS: Final = [
    (b"content-type", b"text/javascript; charset=utf-8"),
    (b"cache-control", b"public, max-age=%d" % MAX_AGE_S),
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"accept-encoding"),
]


class _Variant(NamedTuple):
    """One spelling of the script. The tag of what is compressed is another one (RFC 9110, section 8.8.3)."""

    body: bytes
    etag: bytes
    coding: bytes = b""

    @classmethod
    def of(cls, source: bytes, coding: bytes = b"") -> Self:
        """The source, compressed where there is a coding."""
        tag = hashlib.sha256(source).hexdigest()[:16].encode()
        if not coding:
            return cls(source, b'"%b"' % tag)
        return cls(gzip.compress(source, 9, mtime=0), b'"%b-%b"' % (tag, coding), coding)


class FeedbackScript:
    """The ASGI app behind the script's path; reads the file once."""

    def __init__(self) -> None:
        source = SOURCE.read_bytes()
        self._variants = {
            (module, coding): _Variant.of(source + _EXPORTS if module else source, coding)
            for module in (False, True)
            for coding in (b"", b"gzip")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for the script."""
        del receive
        if scope["method"] not in ("GET", "HEAD"):
            message = f"{FEEDBACK_SCRIPT} is a script: it takes GET and HEAD, not {scope['method']}"
            error = RequestError(message, code="method_not_allowed", status=405)
            error.headers = ((b"allow", b"GET, HEAD"),)
            raise error
        known = dict(scope["headers"])
        coding = b"gzip" if b"gzip" in known.get(b"accept-encoding", b"") else b""
        variant = self._variants[scope["query_string"] == MODULE, coding]
        fields = [*_FIELDS, (b"etag", variant.etag), *([(b"content-encoding", coding)] if coding else [])]
        if variant.etag in known.get(b"if-none-match", b""):
            await _answer(send, 304, fields, b"")
            return
        fields.append((b"content-length", b"%d" % len(variant.body)))
        await _answer(send, 200, fields, b"" if scope["method"] == "HEAD" else variant.body)


async def _answer(send: Send, status: int, fields: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
