"""A client's request and its response, free of any server's types: the port between a server and who answers calls.

In: a request's head at once, its body in pieces. Out: a response's head and pieces. The one rule: writing never waits;
who writes much looks whether the client takes it (`writable`), and goes on when it does (`when_writable`).
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

_T = TypeVar("_T")

Fields = list[tuple[bytes, bytes]]
"""Header fields in their order, names in lower case."""


class ClientGoneError(OSError):
    """The client has left; nobody is to be told."""


class RequestHead(NamedTuple):
    """A request's head. `path` is decoded, `raw_path` as it was sent; `known` has the last value of each field."""

    method: str
    path: str
    raw_path: bytes
    query: bytes
    fields: Fields
    known: Mapping[bytes, bytes]
    client: str = ""
    http_version: str = "1.1"
    derived: dict[Any, Any] | None = None
    """What was derived from this head before, where the server remembers it: clients repeat their heads."""

    def once(self, derive: Callable[["RequestHead"], _T]) -> _T:
        """What `derive` makes of this head, from memory where the same head came before.

        It must not depend on the content-length, the one thing in which remembered heads may differ, and never be None.
        """
        derived = self.derived
        if derived is None:
            return derive(self)
        value: _T | None = derived.get(derive)
        if value is None:
            value = derived[derive] = derive(self)
        return value


def wants_websocket(head: RequestHead) -> bool:
    """Whether a request asks for a WebSocket (RFC 6455, section 4.1): what follows it are bytes of that protocol."""
    known = head.known
    return (
        b"upgrade" in known
        and known[b"upgrade"].strip().lower() == b"websocket"
        and head.method == "GET"
        and head.http_version == "1.1"
        and known.get(b"content-length", b"0") == b"0"
        and b"transfer-encoding" not in known
    )


class ClientExchange(Protocol):
    """One request of a client and its response.

    After a response of status 101 the body's pieces are the other protocol's bytes, in both directions at once; the end
    of the response ends the connection.
    """

    @property
    def head(self) -> RequestHead:
        """The request's head."""
        ...

    @property
    def gone(self) -> bool:
        """Whether the client has left before its response was complete."""
        ...

    @property
    def writable(self) -> bool:
        """Whether the client takes what is written."""
        ...

    async def receive(self) -> tuple[bytes, bool]:
        """What has come of the body, and whether more follows; waits for the first of it.

        Raises `ClientGoneError`, or the `RequestError` of a body that is not framed as HTTP allows.
        """
        ...

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Call back, once, when the client leaves before its response is complete; the last callback stands."""
        ...

    def start(self, status: int, fields: Fields) -> None:
        """Begin the response; its head goes out with the first piece, which may be empty."""
        ...

    def write(self, piece: bytes, *, more: bool) -> None:
        """Send a piece of the body at once; `more` follow or this was the last. To a client that left: nothing."""
        ...

    def when_writable(self, callback: Callable[[], None]) -> None:
        """Call back, once, when the client takes more; the last callback stands."""
        ...


async def until_writable(client: ClientExchange) -> None:
    """Wait until the client takes more, or is gone."""
    while not (client.writable or client.gone):
        news = asyncio.Event()
        client.when_writable(news.set)
        await news.wait()


Serve = Callable[[ClientExchange], Coroutine[Any, Any, None]]
"""Answers one request."""
Calls = Callable[[str], Serve | None]
"""Says who answers calls on a path; None where they go to the ASGI app."""
