"""The console's files on the admin listener: `GET /` and what the page loads, each under a strict policy.

In: HTTP. Out: one of a fixed list of files. The one rule: nothing here is behind the token, so nothing here knows
anything.
"""

import hashlib
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

_FOLDER: Final = Path(__file__).parent / "page"
TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""What may be a file of the page, by its ending."""
POLICY: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
"""Only the page's own scripts run, nobody frames it, and its address, which may hold a trace id, is told to nobody."""


def routes() -> list[BaseRoute]:
    """A route for each file; the files are read once."""
    files = {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir()) if path.suffix in TYPES}
    return [
        Route("/" if name == "index.html" else f"/console/{name}", _File(name, body).answer)
        for name, body in files.items()
    ]


class _File:
    """One file of the page."""

    def __init__(self, name: str, body: bytes) -> None:
        self._body = body
        self._type = TYPES[Path(name).suffix]
        self._headers = {**POLICY, "etag": f'"{hashlib.sha256(body).hexdigest()[:16]}"'}

    async def answer(self, request: Request) -> Response:
        """Answer with the file, or say that the browser has it."""
        if request.headers.get("if-none-match") == self._headers["etag"]:
            return Response(status_code=304, headers=self._headers)
        return Response(self._body, media_type=self._type, headers=self._headers)
