"""Content codings: a copied body and its headers go in, the plain bytes come out.

`gzip`, `deflate`, `br` and `zstd` are undone in bounded memory: a body that would grow beyond the limit is cut there. A
body that ends early gives what could be undone of it. Any other coding is named, never guessed.
"""

import sys
import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol, cast

import brotli  # pyright: ignore[reportMissingTypeStubs]  # it ships none

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LIMIT_BYTES: Final = 16 << 20
"""Largest plain body: a few kilobytes of gzip can stand for gigabytes, and its JSON takes a multiple again."""
_CODINGS: Final = 3
"""Most codings that are undone; each may cost as much as the first."""
_WINDOW_BYTES: Final = 16 * 1024
"""How much is fed at once: what follows a member is copied, so that many small ones must not cost the whole rest."""
_DAMAGED: Final = "the compressed body is damaged"
_WINDOW_LOG: Final = 23
"""A zstd window of 8 MiB: what RFC 8878 asks every decoder to have, and RFC 9659 forbids more than."""
_GZIP_BITS: Final = 31
_ZLIB_BITS: Final = 15
_RAW_BITS: Final = -15


class _Brotli(Protocol):
    """The part of a library without types that is used; what it gives may be a little more than the limit."""

    def process(self, data: bytes, /, *, output_buffer_limit: int) -> bytes: ...
    def is_finished(self) -> bool: ...


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
    if coding == "br":
        return _unbrotli(body, limit_bytes)
    if coding == "zstd":
        return _unzstd(body, limit_bytes)
    return Plain(b"", f"content-encoding {coding[:40]} is not supported (gzip, deflate, br and zstd are)")


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
            return Plain(bytes(out), _DAMAGED)
        place += len(window) - len(member.unused_data) - len(member.unconsumed_tail)
    finished = place == len(body) and (member.eof or not body)
    return Plain(bytes(out), None if finished else _why_unfinished(len(out), limit_bytes))


def _unbrotli(body: bytes, limit_bytes: int) -> Plain:
    stream = cast("_Brotli", brotli.Decompressor())  # pyright: ignore[reportUnknownMemberType]
    out, rest, more = bytearray(), body, True
    try:
        while more and len(out) < limit_bytes:
            piece = stream.process(rest, output_buffer_limit=limit_bytes - len(out))
            out += piece
            rest, more = b"", bool(piece) and not stream.is_finished()
    except brotli.error:  # pyright: ignore[reportUnknownMemberType]
        return Plain(bytes(out[:limit_bytes]), _DAMAGED)
    whole = stream.is_finished() and len(out) <= limit_bytes
    return Plain(bytes(out[:limit_bytes]), None if whole else _why_unfinished(len(out), limit_bytes))


def _unzstd(body: bytes, limit_bytes: int) -> Plain:
    out, place, frame = bytearray(), 0, _frame()
    while len(out) < limit_bytes and (place < len(body) or not (frame.needs_input or frame.eof)):
        if frame.eof:
            frame = _frame()
        window = body[place : place + _WINDOW_BYTES] if frame.needs_input else b""
        try:
            out += frame.decompress(window, limit_bytes - len(out))
        except zstd.ZstdError:
            return Plain(bytes(out), _DAMAGED)
        place += len(window) - (len(frame.unused_data) if frame.eof else 0)
    finished = place == len(body) and (frame.eof or not body)
    return Plain(bytes(out), None if finished else _why_unfinished(len(out), limit_bytes))


def _frame() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})


def _why_unfinished(out_bytes: int, limit_bytes: int) -> str:
    if out_bytes >= limit_bytes:
        return f"the compressed body is larger than {limit_bytes} bytes"
    return "the compressed body ends early"
