"""The port to the upstream: what a client of it must do, and where the upstream is.

In: the base URL of the settings. Out: an `UpstreamTarget`. The one rule: the URL is what one would give an OpenAI
client as `base_url`, so it stands for the leading `/v1` of our own paths; a bare host means its `/v1`.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from backtalk.errors import SetupError
from backtalk.model.exchange import ClientExchange

Fields = Sequence[tuple[bytes, bytes]]
"""Header fields, names in lower case, in order."""


class UpstreamTarget(NamedTuple):
    """Where the upstream is. `base` is the path that stands for our `/v1`."""

    host: str
    port: int
    tls: bool
    base: bytes

    @property
    def name(self) -> str:
        """`host:port`, as spans and records show it."""
        return f"{self.host}:{self.port}"

    @property
    def authority(self) -> bytes:
        """The value of the `host` header: the port only where it is not the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}").encode("ascii")


def parse_target(url: str) -> UpstreamTarget:
    """Read the upstream's base URL; raises `SetupError` where it cannot be one."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii") if ":" not in (parts.hostname or "") else ""
        base = parts.path.rstrip("/").encode("ascii")
    except (ValueError, UnicodeError) as error:
        raise SetupError(f"the upstream {url!r} is no URL: {error}", code="bad_settings") from error
    host = host or parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username:
        raise SetupError("the upstream must be like https://host[:port][/path]", code="bad_settings")
    tls = parts.scheme == "https"
    return UpstreamTarget(host, port or (443 if tls else 80), tls, base or b"/v1")


class UpstreamRequest(NamedTuple):
    """A request to send on. `body` is None where it comes in pieces, written by `UpstreamExchange.write`.

    `framed` says that the fields hold the body's content-length.
    """

    method: bytes
    target: bytes
    fields: Fields
    body: bytes | None
    framed: bool = False
    start: bytes | None = None
    """The request line and fields that come before `fields`, as `Upstream.start_of` makes them."""


class UpstreamExchange(Protocol):
    """One request under way on one connection, and its response."""

    @property
    def status(self) -> int:
        """The response's status, once `head` returned."""
        ...

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The response's header fields, once `head` returned."""
        ...

    @property
    def silent_since(self) -> float | None:
        """Loop time since which the upstream is waited for; None while it is not its turn."""
        ...

    @property
    def waiting(self) -> bool:
        """Whether a task waits in `head`, `piece` or `pour`: `fail` reaches it there."""
        ...

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Send a piece of the request's body; waits while the upstream does not take it."""
        ...

    async def head(self) -> None:
        """Wait for the response's head; raises `UpstreamError`."""
        ...

    async def piece(self) -> bytes:
        """The next bytes of the body as soon as there are any, empty at its end; raises `UpstreamError`."""
        ...

    async def pour(self, client: ClientExchange) -> None:
        """Pass the body on to the client as it comes, no faster than it is taken; raises `UpstreamError`.

        The client's response must have begun; it is completed here.
        """
        ...

    def fail(self, error: Exception) -> None:
        """End the exchange from outside: whoever waits gets `error`, the connection is closed."""
        ...

    def release(self) -> None:
        """Give the connection back, or close it where the exchange is not over; called once."""
        ...


class Upstream(Protocol):
    """A client of the upstream."""

    @property
    def target(self) -> UpstreamTarget:
        """Where it sends."""
        ...

    def start_of(self, method: bytes, target: bytes, fields: Fields) -> bytes:
        """The beginning of a request, ready to be sent, for requests that share it."""
        ...

    async def send(self, request: UpstreamRequest) -> UpstreamExchange:
        """Start an exchange; raises `UpstreamError` where the upstream cannot be reached."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...
