"""Runs an ASGI app on one request.

In: a cycle and an app. Out: the app's response, through the cycle. The one rule: a response that is sent to nobody
raises (ASGI 2.4); what else an app does wrong is said to it the same way.
"""

from typing import Any, Final, cast

from uvicorn._types import ASGI3Application, ASGIReceiveEvent, ASGISendEvent

from backtalk.model.exchange import ClientGoneError, until_writable
from backtalk.web.cycle import Cycle

_ASGI: Final = {"version": "3.0", "spec_version": "2.4"}


class AsgiExchange:
    """What an ASGI app is called with."""

    def __init__(self, cycle: Cycle, *, peer: tuple[str, int] | None) -> None:
        self._cycle = cycle
        self._peer = peer

    async def run(self, app: ASGI3Application, state: dict[str, Any]) -> None:
        """Run the app to its end."""
        head = self._cycle.head
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": head.http_version,
            "server": None,
            "client": self._peer,
            "scheme": "http",
            "root_path": "",
            "state": state.copy(),
            "method": head.method,
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query,
            "headers": head.fields,
        }
        await app(cast("Any", scope), self._receive, self._send)

    async def _receive(self) -> ASGIReceiveEvent:
        try:
            piece, more = await self._cycle.receive()
        except ClientGoneError:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": more}

    async def _send(self, message: ASGISendEvent) -> None:
        cycle = self._cycle
        event = cast("dict[str, Any]", message)
        if not cycle.writable:
            await until_writable(cycle)
        if cycle.gone:
            raise ClientGoneError
        if event["type"] == "http.response.body" and cycle.started and not cycle.complete:
            cycle.write(event.get("body", b""), more=event.get("more_body", False))
        elif event["type"] == "http.response.start" and not cycle.started:
            cycle.start(event["status"], list(event.get("headers", ())))
        else:
            raise RuntimeError(f"unexpected ASGI event {event['type']}")
