"""Content codings: a copied body and its headers go in, the plain bytes come out.

`gzip` and `deflate` are undone with the standard library, in bounded memory: a body that would grow beyond the limit
is cut there. A body that ends early gives what could be undone of it. Any other coding is named, never guessed.
"""

import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

LIMIT_BYTES: Final = 64 << 20
"""Largest plain body; a few kilobytes of gzip can stand for gigabytes."""
_GZIP_BITS: Final = 31
_ZLIB_BITS: Final = 15
_RAW_BITS: Final = -15


class Plain(NamedTuple):
    """A body without its content codings; `problem` says why that could not be done, or not to the end."""

    body: bytes
    problem: str | None = None


def plain(body: bytes, headers: Mapping[str, str], limit_bytes: int = LIMIT_BYTES) -> Plain:
    """Undo the codings that `content-encoding` names, last applied first; never raises."""
    named = headers.get("content-encoding")
    if not named:
        return Plain(body)
    result = Plain(body)
    for coding in reversed(named.lower().split(",")):
        result = _undo(coding.strip(), result.body, limit_bytes)
        if result.problem:
            break
    return result


def _undo(coding: str, body: bytes, limit_bytes: int) -> Plain:
    if coding in ("", "identity"):
        return Plain(body)
    if coding in ("gzip", "x-gzip"):
        return _inflate(body, _GZIP_BITS, limit_bytes)
    if coding == "deflate":
        return _inflate(body, _ZLIB_BITS if _is_zlib(body) else _RAW_BITS, limit_bytes)
    return Plain(b"", f"content-encoding {coding[:40]} is not supported (gzip and deflate are)")


def _is_zlib(body: bytes) -> bool:
    """Whether the body starts with a zlib header (RFC 1950); some servers send `deflate` without one."""
    return len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0


def _inflate(body: bytes, window_bits: int, limit_bytes: int) -> Plain:
    out = bytearray()
    rest = body
    while rest and len(out) < limit_bytes:
        member = zlib.decompressobj(window_bits)
        try:
            out += member.decompress(rest, limit_bytes - len(out))
        except zlib.error:
            return Plain(bytes(out), "the compressed body is damaged")
        if not member.eof:
            return Plain(bytes(out), _why_unfinished(len(out), limit_bytes))
        rest = member.unused_data
    return Plain(bytes(out), _why_unfinished(len(out), limit_bytes) if rest else None)


def _why_unfinished(out_bytes: int, limit_bytes: int) -> str:
    if out_bytes >= limit_bytes:
        return f"the compressed body is larger than {limit_bytes} bytes"
    return "the compressed body ends early"
