"""Rewrites a closed segment so that every position stays as it was: what is written anew has the length of the old.

In: a segment to which nothing is written any more, and what its payloads become. Out: the same segment under the same
name. The one rule: a reader or a kill sees the old file or the new one, never a mixture.
"""

import os
from collections.abc import Callable

from backtalk.spool import segments
from backtalk.spool.files import write_all
from backtalk.spool.frame import HEAD_BYTES, pack, scan
from backtalk.spool.segments import BadSegmentError, Segment

Change = Callable[[bytes], bytes | None]
"""A payload's new content, of the same length; None where it stays."""


def rewrite(segment: Segment, change: Change) -> int:
    """Change payloads of a segment, durable on return; gives how many were changed."""
    content = segment.path.read_bytes()
    with segment.path.open("rb") as file:
        try:
            header_bytes = segments.read_header(file.fileno(), segment.base)[1]
        except BadSegmentError:  # no reader goes into it
            return 0
    whole, count = bytearray(content), 0
    for found in scan(content[header_bytes:]):
        changed = change(found.payload)
        if changed is None:
            continue
        if len(changed) != len(found.payload):
            raise ValueError(f"{len(changed)} bytes cannot take the place of {len(found.payload)}")
        begin = header_bytes + found.begin
        whole[begin : begin + HEAD_BYTES + len(changed)] = pack(changed)
        count += 1
    if count:
        _replace(segment, bytes(whole))
    return count


def _replace(segment: Segment, content: bytes) -> None:
    draft = segment.path.with_name(f".{segment.path.name}.new")
    descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(segment.path)
    segments.sync_directory(segment.path.parent)
