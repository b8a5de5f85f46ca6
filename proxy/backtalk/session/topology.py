"""Which server holds a key: the one there is, the one that sentinels name, or its slot's owner in a cluster.

In: an address, and a server's answer to what `question` says. Out: a `Topology`, a frozen map. The one rule: no I/O;
the worker and the proxies find servers in their own ways, and agree on where a key lies.
"""

import binascii
from collections.abc import Sequence
from typing import Final, NamedTuple, cast
from urllib.parse import urlsplit

from backtalk.settings.redis_url import RedisAddress

SLOTS: Final = 16_384
"""Of every cluster."""
Question = tuple[str, ...]


class Topology(NamedTuple):
    """The URL of the server of each slot; a single URL where one server holds all keys, None where nobody does."""

    owners: tuple[str | None, ...]

    def owner(self, key: bytes) -> str:
        """The server that holds a key; raises `ConnectionError` where the cluster has none for it."""
        found = self.owners[slot(key) if len(self.owners) > 1 else 0]
        if found is None:
            raise ConnectionError("no node of the cluster serves this key's slot")
        return found

    def split(self, names: Sequence[bytes]) -> dict[str, Sequence[int]]:
        """The places of the keys, by the server that holds them; in their order."""
        if len(self.owners) == 1:
            return {self.owner(b""): range(len(names))}
        found: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            found.setdefault(self.owner(name), []).append(place)
        return dict(found)

    @property
    def servers(self) -> tuple[str, ...]:
        """Every server, once."""
        return tuple(dict.fromkeys(url for url in self.owners if url is not None))


def slot(key: bytes) -> int:
    """The slot of a key: CRC16 of what stands in its first braces, where something does."""
    start = key.find(b"{")
    end = key.find(b"}", start + 1) if start >= 0 else -1
    return binascii.crc_hqx(key[start + 1 : end] if end > start + 1 else key, 0) % SLOTS


def fixed(address: RedisAddress) -> Topology | None:
    """The topology where nobody has to be asked."""
    return Topology(address.seeds) if address.kind == "server" else None


def question(address: RedisAddress) -> Question:
    """What a seed is asked."""
    if address.kind == "sentinel":
        return ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.service)
    return ("CLUSTER", "SLOTS")


def answered(address: RedisAddress, seed: str, reply: object) -> Topology:
    """What a seed's answer says; raises `ConnectionError` where it names nobody."""
    if not isinstance(reply, list) or not reply:
        what = (
            f"sentinel knows no service {address.service!r}" if address.kind == "sentinel" else "cluster has no slots"
        )
        raise ConnectionError(f"the {what} ({_place(seed)})")
    if address.kind == "sentinel":
        host, port = cast("list[bytes]", reply)[:2]
        return Topology((address.server(host.decode(), int(port)),))
    owners: list[str | None] = [None] * SLOTS
    for first, last, primary, *_ in cast("list[tuple[int, int, list[object]]]", reply):
        url = _server(address, seed, primary)
        owners[first : last + 1] = [url] * (last + 1 - first)
    return Topology(tuple(owners))


def named_place(redirection: Exception) -> tuple[str, int]:
    """The host and port that a MOVED or ASK names, after the slot."""
    host, _, port = str(redirection).partition(" ")[2].rpartition(":")
    return host, int(port)


def _server(address: RedisAddress, seed: str, named: Sequence[object]) -> str:
    """The URL of a node; one that does not know its own name is where it was asked."""
    host, port = named[:2]
    name = host.decode() if isinstance(host, bytes) else ""
    return address.server(name if name not in ("", "?") else urlsplit(seed).hostname or "", int(str(port)))


def _place(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
