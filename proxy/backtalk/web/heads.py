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


def oversize(target: bytes, fields: Fields) -> RequestError | None:
    """Why a head is above the limit, if it is; to be asked only where so much was fed that it may be."""
    if len(target) > HEAD_LIMIT_BYTES:
        return too_large("request target", HEAD_LIMIT_BYTES, status=414)
    if sum(len(name) + len(value) + 4 for name, value in fields) > HEAD_LIMIT_BYTES:
        return too_large("header fields", HEAD_LIMIT_BYTES, status=431)
    return None


def endless() -> RequestError:
    """Why a head that does not come to its end is refused."""
    return too_large("header fields", HEAD_LIMIT_BYTES, status=431)
