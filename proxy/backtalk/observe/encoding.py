"""Content codings: a copied body and its headers go in, the plain bytes come out.

`gzip` and `deflate` are undone with the standard library, in bounded memory: a body that would grow beyond the limit
is cut there. A body that ends early gives what could be undone of it. Any other coding is named, never guessed.
"""

import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

LIMIT_BYTES: Final = 16 << 20
"""Largest plain body: a few kilobytes of gzip can stand for gigabytes, and its JSON takes a multiple again."""
_CODINGS: Final = 3
"""Most codings that are undone; each may cost as much as the first."""
_WINDOW_BYTES: Final = 16 * 1024
"""How much is fed at once: what follows a member is copied, so that many small ones must not cost the whole rest."""
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
    if named.count(",") >= _CODINGS:
        return Plain(b"", f"more than {_CODINGS} content codings")
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
    place, member = 0, zlib.decompressobj(window_bits)
    while place < len(body) and len(out) < limit_bytes:
        if member.eof:
            member = zlib.decompressobj(window_bits)
        window = body[place : place + _WINDOW_BYTES]
        try:
            out += member.decompress(window, limit_bytes - len(out))
        except zlib.error:
            return Plain(bytes(out), "the compressed body is damaged")
        place += len(window) - len(member.unused_data) - len(member.unconsumed_tail)
    finished = place == len(body) and (member.eof or not body)
    return Plain(bytes(out), None if finished else _why_unfinished(len(out), limit_bytes))


def _why_unfinished(out_bytes: int, limit_bytes: int) -> str:
    if out_bytes >= limit_bytes:
        return f"the compressed body is larger than {limit_bytes} bytes"
    return "the compressed body ends early"
