"""Who sends: a keyed hash of the credential, so that the credential itself is never kept.

In: a request's headers and query. Out: a tenant, the same for one key whichever of its places carries it. The one
rule: a credential leaves this module only as its hash.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from backtalk.model.ids import keyed_hash
from backtalk.virtual_keys import PREFIX

CREDENTIALS: Final = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
"""Headers that carry a credential, the one that counts first; none of them is ever recorded."""
PROTOCOL_CREDENTIAL: Final = b"openai-insecure-api-key."
"""How a browser, which can set no header on a WebSocket, sends its key: as one of the sub-protocols it offers."""
_PROTOCOLS: Final = b"sec-websocket-protocol"
_QUERY_CREDENTIALS: Final = ("api-key", "api_key", "key")


_VIRTUAL: Final = PREFIX.encode()

Owner = Callable[[bytes], str | None] | None
"""Says who owns the virtual key in a header's value, None where it is none; None itself where no key is virtual."""


class Tenants:
    """Names tenants; remembers the last `limit` credentials' hashes by Python's own (salted) hash table."""

    def __init__(self, secret: bytes, *, limit: int = 1024, owner: Owner = None) -> None:
        self._secret = secret
        self._owner = owner
        self._limit = limit
        self._known: dict[bytes, str] = {}

    def of(
        self, headers: Sequence[tuple[bytes, bytes]], query: str = "", known: Mapping[bytes, bytes] | None = None
    ) -> str:
        """The tenant of a request; requests without a credential share one. `known` are the same headers by name."""
        fields = dict(headers) if known is None else known
        for name in CREDENTIALS:
            if name in fields:
                return self.of_credential(fields[name])
        return self.of_credential(_offered(headers, fields) or _queried(query))

    def is_lasting(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Whether the tenant stays as it is; one of a virtual key that is not known yet may become known."""
        if self._owner is None:
            return True
        virtual = (value for name, value in headers if name in CREDENTIALS and _VIRTUAL in value)
        return all(self._owner(value) is not None for value in virtual)

    def of_credential(self, value: bytes) -> str:
        """The tenant of one header's value, without the word Bearer; a virtual key's is its owner."""
        if self._owner is not None and (owner := self._owner(value)) is not None:
            return tenant_of(self._secret, owner)
        known = self._known.get(value)
        return known if known is not None else self._remember(value)

    def _remember(self, value: bytes) -> str:
        scheme, _, rest = value.partition(b" ")
        credential = rest.strip() if scheme.lower() == b"bearer" else value.strip()
        tenant = keyed_hash(self._secret, credential)
        if len(self._known) >= self._limit:
            del self._known[next(iter(self._known))]
        self._known[value] = tenant
        return tenant


def tenant_of(secret: bytes, owner: str) -> str:
    """The tenant of all virtual keys of an owner."""
    return keyed_hash(secret, b"owner", owner.encode())


def _offered(headers: Sequence[tuple[bytes, bytes]], known: Mapping[bytes, bytes]) -> bytes:
    """The key among the sub-protocols of a WebSocket."""
    if _PROTOCOLS not in known:
        return b""
    offered = b",".join(value for name, value in headers if name == _PROTOCOLS)
    words = (word.strip() for word in offered.split(b","))
    return next((w.removeprefix(PROTOCOL_CREDENTIAL) for w in words if w.startswith(PROTOCOL_CREDENTIAL)), b"")


def _queried(query: str) -> bytes:
    """The key in a query."""
    if not query:
        return b""
    given = dict(parse_qsl(query, encoding="latin-1"))
    return next((given[name] for name in _QUERY_CREDENTIALS if name in given), "").encode("latin-1")
