"""The checkpoint of an owner: the frames of its open calls whose segments are deleted.

In: frames of calls that are still open. Out: the same frames after a restart. It is durable before a segment goes, and
bounded: beyond the bound bodies are left out, and the frame says so (`capture`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from backtalk.model.frames import AnyFrame, Opened, Part, Requested, decode, encode
from backtalk.spool.files import make_directory, replace

LIMIT_BYTES: Final = 64 << 20
"""Largest sum of frames carried for one owner with their bodies."""
SUFFIX: Final = ".open"


class Carried(msgspec.Struct, frozen=True, array_like=True):
    """A checkpoint's content: how far the owner was consumed, and frames by their offset."""

    consumed: int
    frames: dict[int, bytes]


def load(path: Path) -> Carried:
    """The checkpoint; an empty one where there is none or it is damaged."""
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Carried)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return Carried(0, {})


def save(path: Path, carried: Carried, *, limit_bytes: int = LIMIT_BYTES) -> Carried:
    """Replace the checkpoint, durable on return; gives what it holds now, bounded."""
    kept = Carried(carried.consumed, bounded(carried.frames, limit_bytes))
    make_directory(path.parent)
    replace(path, msgspec.msgpack.encode(kept))
    return kept


def bounded(frames: Mapping[int, bytes], limit_bytes: int) -> dict[int, bytes]:
    """Frames within the bound, the smallest bodies kept first."""
    total, kept = 0, dict[int, bytes]()
    for offset, payload in sorted(frames.items(), key=lambda item: len(item[1])):
        total += len(payload)
        kept[offset] = payload if total <= limit_bytes else without_body(payload)
    return dict(sorted(kept.items()))


def without_body(payload: bytes) -> bytes:
    """The frame with its body left out; sizes and hashes stay."""
    frame: AnyFrame = decode(payload)
    if isinstance(frame, Opened):
        return encode(msgspec.structs.replace(frame, body=None if frame.body is None else b"", capture="truncated"))
    if isinstance(frame, Requested):
        return encode(msgspec.structs.replace(frame, body=b"", capture="truncated"))
    if isinstance(frame, Part):
        return encode(msgspec.structs.replace(frame, number=-1, pieces=[]))
    return payload
