"""Segments: the files that a stream of frames is cut into, named by the position at which each begins.

A position is one integer: the byte offset in the whole stream, file headers not counted. `continues` in a header says
where the stream ended before this file: where it is less than the file's own base, the gap is deliberate and holds
nothing; where a reader ends before it, frames are missing.
"""

import os
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

SUFFIX: Final = ".seg"
MAGIC: Final = b"BTSEG\x00"
FORMAT: Final = 1
_DIGITS: Final = 20
_LENGTH_BYTES: Final = 2
_PREFIX_BYTES: Final = len(MAGIC) + _LENGTH_BYTES


class Header(msgspec.Struct, frozen=True, array_like=True):
    """What a segment says of itself."""

    format: int
    boot_id: str
    owner: str
    base: int
    continues: int


class Segment(NamedTuple):
    """One file of a stream."""

    base: int
    path: Path


class BadSegmentError(Exception):
    """A file whose header is damaged or of a format that this version does not read."""


def name(base: int) -> str:
    """The file name of the segment that begins at `base`."""
    return f"{base:0{_DIGITS}d}{SUFFIX}"


def listing(directory: Path) -> list[Segment]:
    """The segments of a stream in order; empty where the directory is gone."""
    try:
        names = os.listdir(directory)  # noqa: PTH208 - polled; a Path for every name would cost tenfold
    except FileNotFoundError:
        return []
    digits = ((n, n.removesuffix(SUFFIX)) for n in names if n.endswith(SUFFIX))
    bases = (int(d) for n, d in digits if d.isdecimal() and n == name(int(d)))
    return [Segment(base, directory / name(base)) for base in sorted(bases)]


def encode_header(header: Header) -> bytes:
    """The first bytes of a segment file."""
    body = msgspec.msgpack.encode(header)
    return MAGIC + len(body).to_bytes(_LENGTH_BYTES, "little") + body


def read_header(descriptor: int, base: int) -> tuple[Header, int]:
    """Read the header of the segment named by `base`, and its length in bytes.

    Raises `BadSegmentError` where there is none to read, or it is that of another position: a reader's arithmetic
    stands on it, so damage that moved the frames must not pass.
    """
    prefix = os.pread(descriptor, _PREFIX_BYTES, 0)
    if len(prefix) < _PREFIX_BYTES or not prefix.startswith(MAGIC):
        raise BadSegmentError("not a segment of Backtalk")
    length = int.from_bytes(prefix[len(MAGIC) :], "little")
    body = os.pread(descriptor, length, _PREFIX_BYTES)
    try:
        header = msgspec.msgpack.decode(body, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # msgspec lets the second through
        raise BadSegmentError("its header is damaged") from error
    if header.format != FORMAT:
        raise BadSegmentError(f"format {header.format}; this version reads {FORMAT}")
    if len(body) < length or header.base != base or not 0 <= header.continues <= base:
        raise BadSegmentError("its header is damaged")
    return header, _PREFIX_BYTES + length


def boot_id_of(directory: Path) -> str | None:
    """The boot in which a stream's first segment was written; None where it has no readable one."""
    for segment in listing(directory):
        try:
            with segment.path.open("rb") as file:
                return read_header(file.fileno(), segment.base)[0].boot_id
        except (OSError, BadSegmentError):
            continue
    return None


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def used_bytes(directory: Path) -> int:
    """How much the segments take."""
    total = 0
    for segment in listing(directory):
        try:
            total += segment.path.stat().st_size
        except FileNotFoundError:
            continue
    return total
