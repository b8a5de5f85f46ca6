"""Feedback tokens: what a response gives to a page, so that the page may speak of this one answer and of nothing else.

In: a call's key, its tenant, the time. Out: `btf_` and 84 characters of base64url; and back again. The one rule: a
token says everything that is needed to judge it, so nothing is looked up; no credential is in it, and the tenant is
masked, since the holder is not to learn which answers belong to one customer.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection
from typing import Final, NamedTuple

from backtalk.clock import NS_PER_S
from backtalk.errors import RequestError
from backtalk.model.ids import CallKey, SpanId, TraceId, keyed_hash

PREFIX: Final = "btf_"
"""How every token begins."""
HEADER: Final = b"x-feedback-token"
"""The field of a response that carries a token, and of a feedback that comes with one."""
KINDS: Final = ("rating", "score", "comment", "correction", "ranking", "survey", "outcome", "event", "label")
"""Every kind of feedback at its bit of a token; a new kind goes to the end."""
TOKEN_CHARS: Final = 88
_KEY_NUMBERS: Final = 256
_HEAD_BYTES: Final = 31
_TENANT_BYTES: Final = 16
_MAC_BYTES: Final = 16
_LAST_SECOND: Final = (1 << 32) - 1


class TokenClaims(NamedTuple):
    """What a good token says: whose answer it is about, what may be said of it, and until when (seconds since 1970)."""

    call: CallKey
    tenant: str
    kinds: frozenset[str]
    expires_s: int
    token_id: str
    """Names the token; of no use to anybody who would make one."""


class TokenKey:
    """The keys of one number, made from the installation's secret."""

    __slots__ = ("_mac_key", "_mask_key", "number")

    def __init__(self, secret: bytes, number: int) -> None:
        self.number = number % _KEY_NUMBERS
        name = number.to_bytes(8, "big")
        self._mac_key = bytes.fromhex(keyed_hash(secret, b"feedback token mac", name, size_bytes=32))
        self._mask_key = bytes.fromhex(keyed_hash(secret, b"feedback token mask", name, size_bytes=32))

    def masked(self, head: bytes, tenant: bytes) -> bytes:
        """The tenant under a mask that no other head has; masked twice it is itself again."""
        mask = hashlib.blake2b(head, key=self._mask_key, digest_size=_TENANT_BYTES).digest()
        return (int.from_bytes(mask, "big") ^ int.from_bytes(tenant, "big")).to_bytes(_TENANT_BYTES, "big")

    def mac(self, signed: bytes) -> bytes:
        """What only the holder of the secret can make of these bytes."""
        return hashlib.blake2b(signed, key=self._mac_key, digest_size=_MAC_BYTES).digest()


class TokenSigner:
    """Makes tokens with one key, for the kinds that pages may send."""

    __slots__ = ("_key", "_start", "_ttl_s")

    def __init__(self, secret: bytes, *, key_number: int, kinds: Collection[str], ttl_s: int) -> None:
        self._key = TokenKey(secret, key_number)
        self._start = bytes([self._key.number]) + mask_of(kinds).to_bytes(2, "big")
        self._ttl_s = ttl_s

    def sign(self, call: CallKey, tenant: str, now_ns: int) -> bytes:
        """The token for one call, as the header carries it; about 3 us."""
        expires_s = min(now_ns // NS_PER_S + self._ttl_s, _LAST_SECOND)
        head = self._start + expires_s.to_bytes(4, "big") + bytes.fromhex(call.trace_id + call.span_id)
        signed = head + self._key.masked(head, bytes.fromhex(tenant))
        return b"btf_" + base64.urlsafe_b64encode(signed + self._key.mac(signed))


class TokenReader:
    """Judges tokens: those of the key in use, and of the one before, so that a rotation costs nobody a token."""

    def __init__(self, secret: bytes, *, key_number: int) -> None:
        numbers = range(max(0, key_number - 1), key_number + 1)
        self._keys = {key.number: key for key in (TokenKey(secret, number) for number in numbers)}

    def read(self, token: str, now_ns: int) -> TokenClaims:
        """What the token says; raises `RequestError` (401) where it is none of ours, changed, or expired."""
        raw = _decoded(token)
        signed, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        key = self._keys.get(raw[0])
        if key is None or not hmac.compare_digest(key.mac(signed), mac):
            raise _refused("it was not signed here, or its key is no longer in use; take the one of a newer response")
        head, expires_s = signed[:_HEAD_BYTES], int.from_bytes(signed[3:7], "big")
        if now_ns >= expires_s * NS_PER_S:
            ago_s = now_ns // NS_PER_S - expires_s
            raise _refused(f"it expired {ago_s} s ago; take the one of a newer response", code="token_expired")
        call = CallKey(TraceId(head[7:23].hex()), SpanId(head[23:].hex()))
        tenant = key.masked(head, signed[_HEAD_BYTES:]).hex()
        return TokenClaims(call, tenant, kinds_of(int.from_bytes(head[1:3], "big")), expires_s, mac.hex())


def mask_of(kinds: Collection[str]) -> int:
    """The bits of kinds; raises `ValueError` for one that is none."""
    return sum(1 << KINDS.index(kind) for kind in set(kinds))


def kinds_of(mask: int) -> frozenset[str]:
    """The kinds of bits."""
    return frozenset(kind for bit, kind in enumerate(KINDS) if mask >> bit & 1)


def _decoded(token: str) -> bytes:
    """The bytes of a token; a second spelling of the same bytes is none."""
    if len(token) == TOKEN_CHARS and token.startswith(PREFIX) and token.isascii():
        text = token[len(PREFIX) :].encode("ascii")
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
        except binascii.Error:
            raw = b""
        if base64.urlsafe_b64encode(raw) == text:
            return raw
    raise _refused(f"a token is {PREFIX} and {TOKEN_CHARS - len(PREFIX)} characters, as in the x-feedback-token header")


def _refused(why: str, *, code: str = "token_invalid") -> RequestError:
    return RequestError(f"this feedback token is not good: {why}", code=code, status=401)
