"""Request heads: what the parser has read of a request before its body, as one value.

In: the request target and fields as they came. Out: a `RequestHead`. The one rule: a head is bounded, whichever part of
it is long.
"""

from typing import Final
from urllib.parse import unquote

import httptools

from backtalk.errors import RequestError
from backtalk.model.exchange import Fields, RequestHead
from backtalk.web.refusals import too_large

HEAD_LIMIT_BYTES: Final = 64 * 1024
MOST_WAITING: Final = 100
"""Most requests that wait on a connection for the answer before theirs; a request of twenty bytes costs kilobytes."""
_VERSIONS: Final = ("1.0", "1.1")


def head_of(parser: httptools.HttpRequestParser, target: bytes, fields: Fields, client: str) -> RequestHead:
    """The head that the parser has come to the end of; raises where the target is none."""
    if target.startswith(b"/") and b"#" not in target:
        raw_path, _, query = target.partition(b"?")
    else:
        url = httptools.parse_url(target)
        raw_path, query = url.path or b"/", url.query or b""
    path = raw_path.decode("ascii")
    if "%" in path:
        path = unquote(path)
    method, version = parser.get_method().decode("ascii"), parser.get_http_version()
    return RequestHead(method, path, raw_path, query, fields, dict(fields), client, version)


def unserved(head: RequestHead, fed_bytes: int, *, waiting: int) -> RequestError | None:
    """Why a head is refused, if it is; `waiting` requests of the connection are before it."""
    if head.http_version not in _VERSIONS:
        return RequestError("only HTTP/1.1 and HTTP/1.0 are spoken here", code="http_version", status=505)
    if waiting >= MOST_WAITING:
        message = f"at most {MOST_WAITING} requests may wait on a connection; read the answers first"
        return RequestError(message, code="too_many_requests", status=429)
    if (hosts := sum(name == b"host" for name, _ in head.fields)) != 1 and (hosts or head.http_version == "1.1"):
        return RequestError("a request names one Host (RFC 9112, section 3.2)", code="malformed_request")
    return _oversize(head) if fed_bytes > HEAD_LIMIT_BYTES else None


def endless() -> RequestError:
    """Why a head that does not come to its end is refused."""
    return too_large("header fields", HEAD_LIMIT_BYTES, status=431)


def _oversize(head: RequestHead) -> RequestError | None:
    """Why a head is above the limit, if it is; asked only where so much was fed that it may be."""
    if len(head.raw_path) + len(head.query) > HEAD_LIMIT_BYTES:
        return too_large("request target", HEAD_LIMIT_BYTES, status=414)
    if sum(len(name) + len(value) + 4 for name, value in head.fields) > HEAD_LIMIT_BYTES:
        return too_large("header fields", HEAD_LIMIT_BYTES, status=431)
    return None
