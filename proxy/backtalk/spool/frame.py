"""Framing: how a payload lies in a segment file, and how whole frames are told from torn ones.

In: payloads or bytes of a file. Out: bytes of a file or payloads. A frame is its length, a CRC-32 over length and
payload, and the payload; the length is under the CRC so that a run of zero bytes is no frame.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

HEAD: Final = struct.Struct("<II")
HEAD_BYTES: Final = HEAD.size
MAX_PAYLOAD_BYTES: Final = 64 << 20
"""Largest payload of one frame; a longer one is refused by the writer and is damage to a reader."""

_LENGTH: Final = struct.Struct("<I")


class Found(NamedTuple):
    """A whole frame in a buffer: its payload and where it begins and ends."""

    begin: int
    end: int
    payload: bytes


def pack(payload: bytes) -> bytes:
    """Frame one payload; raises `ValueError` where it is longer than a frame may be."""
    length = len(payload)
    if length > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a frame of {length} bytes is larger than {MAX_PAYLOAD_BYTES}")
    return HEAD.pack(length, zlib.crc32(payload, zlib.crc32(_LENGTH.pack(length)))) + payload


def scan(buffer: bytes) -> Iterator[Found]:
    """Give the whole frames from the start of the buffer up to the first that is torn, damaged or cut off."""
    begin = 0
    while begin + HEAD_BYTES <= len(buffer):
        length, crc = HEAD.unpack_from(buffer, begin)
        end = begin + HEAD_BYTES + length
        if length > MAX_PAYLOAD_BYTES or end > len(buffer):
            return
        payload = buffer[begin + HEAD_BYTES : end]
        if zlib.crc32(payload, zlib.crc32(_LENGTH.pack(length))) != crc:
            return
        yield Found(begin, end, payload)
        begin = end


def wanted_bytes(buffer: bytes) -> int:
    """How many bytes the first frame of the buffer claims to take; 0 where it cannot be a frame or is not known yet."""
    if len(buffer) < HEAD_BYTES:
        return 0
    length: int = HEAD.unpack_from(buffer)[0]
    return HEAD_BYTES + length if length <= MAX_PAYLOAD_BYTES else 0
