"""The way from a proxy to the admin process of the same machine, which reads what the proxy does not.

In: a path and a query. Out: status and body. The one rule: bounded in time, in size and in how many ask at once; an
admin process that is away costs a 503 and nothing else.
"""

import asyncio
import re
from typing import Final, NamedTuple
from urllib.parse import urlencode

from backtalk.errors import StoreError

MOST_ASKING: Final = 16
_MOST_BYTES: Final = 16 << 20
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 -- not bound, only replaced


class Told(NamedTuple):
    """What the admin process answered."""

    status: int
    body: bytes


class AdminLink:
    """Asks the admin listener with its token; every question has a connection of its own."""

    def __init__(self, host: str, port: int, token: str, *, timeout_s: float) -> None:
        self.host = _ANY.get(host, host)
        self._port = port
        self._token = token
        self._timeout_s = timeout_s
        self._asking = 0

    async def get(self, path: str, **query: str) -> Told:
        """The answer to a GET; raises `StoreError` where it does not come, or too many ask already."""
        if self._asking >= MOST_ASKING:
            raise StoreError(f"{MOST_ASKING} reads are under way already; try again soon", code="reads_busy")
        self._asking += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._ask(f"{path}?{urlencode(query)}" if query else path)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:  # TimeoutError is an OSError
            message = "what was said cannot be read now: the admin process does not answer; nothing of it is lost"
            raise StoreError(message, code="reads_unavailable") from error
        finally:
            self._asking -= 1

    async def _ask(self, target: str) -> Told:
        reader, writer = await asyncio.open_connection(self.host, self._port, limit=64 * 1024)
        try:
            name = f"[{self.host}]" if ":" in self.host else self.host
            lines = (
                f"GET {target} HTTP/1.1",
                f"host: {name}:{self._port}",
                f"authorization: Bearer {self._token}",
                "connection: close\r\n\r\n",
            )
            writer.write("\r\n".join(lines).encode("latin-1"))
            head = await reader.readuntil(b"\r\n\r\n")
            found = _STATUS.match(head)
            body = await reader.readexactly(_length(head))
            return Told(int(found[1]) if found else 0, body)
        finally:
            writer.transport.abort()


def _length(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length: *([0-9]{1,9})\r\n", head, re.IGNORECASE)
    if found is None or int(found[1]) > _MOST_BYTES:
        raise ValueError("no bounded body")
    return int(found[1])
