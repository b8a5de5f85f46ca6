"""A spool that holds exactly what a test says: for the worker's side, where frames, lives and deaths are the matter.

In: frames. Out: a directory as a proxy's, without heartbeats or times of its own.
"""

import os
from pathlib import Path

from backtalk.model.frames import AnyFrame, encode
from backtalk.process import take_lock
from backtalk.spool.frame import pack
from backtalk.spool.writer import Stream, Writer


class ScriptedSpool:
    """Writes at once what it is told; its owner lives until `die`."""

    def __init__(self, root: Path, name: str = "a", *, segment_bytes: int = 1 << 20) -> None:
        self.directory = root / name
        self.directory.mkdir(parents=True)
        self.name = name
        self._lock = take_lock(self.directory / "lock")
        self._writer = Writer(Stream(self.directory, name, segment_bytes))

    def write(self, *frames: AnyFrame) -> None:
        """Append frames, each on its own."""
        for frame in frames:
            self.write_raw(encode(frame))

    def write_raw(self, payload: bytes) -> None:
        """Append any payload."""
        self._writer.append([pack(payload)])

    def roll(self) -> None:
        """Begin the next segment."""
        self._writer.roll()

    def die(self) -> None:
        """End as a killed process does."""
        self._writer.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
