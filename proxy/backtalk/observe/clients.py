"""Who is connected: a keyed hash of the client's address, so that the address itself is never kept.

In: an address. Out: its hash, the same for one installation. The one rule: what is remembered is bounded.
"""

from typing import Final

from backtalk.model.ids import keyed_hash

MOST: Final = 1024
"""Addresses whose hashes are remembered."""


class ClientHashes(dict[str, str]):
    """Hashes by address; made when first asked for."""

    def __init__(self, secret: bytes) -> None:
        super().__init__()
        self._secret = secret

    def __missing__(self, client: str) -> str:
        """Make an address's hash; the oldest one goes when there are too many."""
        if len(self) >= MOST:
            del self[next(iter(self))]
        made = self[client] = keyed_hash(self._secret, b"client", client.encode())
        return made
