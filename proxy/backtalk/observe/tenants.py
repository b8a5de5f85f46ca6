"""Who sends: a keyed hash of the credential, so that the credential itself is never kept.

In: request headers. Out: a tenant, the same for one key whichever header carries it. The one rule: a credential
leaves this module only as its hash.
"""

from collections.abc import Iterable
from typing import Final

from backtalk.model.ids import keyed_hash

CREDENTIALS: Final = (b"authorization", b"x-api-key", b"api-key")
"""Headers that carry a credential, the one that counts first; none of them is ever recorded."""


class Tenants:
    """Names tenants; remembers the last `limit` credentials' hashes by Python's own (salted) hash table."""

    def __init__(self, secret: bytes, *, limit: int = 1024) -> None:
        self._secret = secret
        self._limit = limit
        self._known: dict[bytes, str] = {}

    def of(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The tenant of a request; requests without a credential share one tenant."""
        fields = dict(headers)
        for name in CREDENTIALS:
            if name in fields:
                return self.of_credential(fields[name])
        return self.of_credential(b"")

    def of_credential(self, value: bytes) -> str:
        """The tenant of one header's value; the word Bearer is no part of the credential."""
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
