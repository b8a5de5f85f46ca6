"""How far an import is: a file beside the data, so that one that was cut short goes on where it was.

In: lines and the ids of their feedback. Out: the last line that is done, and later every id with its line. The one
rule: a batch is written down only after the door has acknowledged it; what is sent twice counts once.
"""

import fcntl
import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, Self

from backtalk.errors import RequestError

_HEADER: Final = struct.Struct("<8sQ")
_RECORD: Final = struct.Struct("<Q16s")
_MAGIC: Final = b"BTIMP\x00\x00\x01"
_CHUNK_BYTES: Final = 1 << 20


class Sent(NamedTuple):
    """One feedback that the door has answered; `feedback_id` empty where it refused it."""

    line: int
    feedback_id: str


class Progress:
    """One import's file, opened for writing on; raises `RequestError` where another process has it open."""

    def __init__(self, path: Path, started_ns: int) -> None:
        self.path: Final = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = path.open("ab+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise RequestError("another import of this file is running", code="import_running") from error
        if self._file.tell() < _HEADER.size:
            self._file.truncate(0)
            self._file.write(_HEADER.pack(_MAGIC, started_ns))
            self._file.flush()
        else:
            whole = (self._file.tell() - _HEADER.size) // _RECORD.size
            self._file.truncate(_HEADER.size + whole * _RECORD.size)
        self.started_ns: Final[int] = self._header()
        self.done_line: Final = self._last_line()
        """The last line that is done; 0 at the beginning."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, sent: Iterable[Sent]) -> None:
        """Write down a batch that was acknowledged."""
        self._file.write(b"".join(_RECORD.pack(one.line, bytes.fromhex(one.feedback_id or "00" * 16)) for one in sent))
        self._file.flush()

    def ids(self) -> Iterator[tuple[int, bytes]]:
        """Every feedback that was taken: its line and its id's bytes."""
        at = _HEADER.size
        while chunk := os.pread(self._file.fileno(), _CHUNK_BYTES // _RECORD.size * _RECORD.size, at):
            at += len(chunk)
            for line, name in _RECORD.iter_unpack(chunk):
                if name != bytes(16):
                    yield line, name

    def _header(self) -> int:
        _, started_ns = _HEADER.unpack(os.pread(self._file.fileno(), _HEADER.size, 0))
        return int(started_ns)

    def _last_line(self) -> int:
        end = self._file.seek(0, os.SEEK_END)
        if end <= _HEADER.size:
            return 0
        line, _ = _RECORD.unpack(os.pread(self._file.fileno(), _RECORD.size, end - _RECORD.size))
        return int(line)


def fingerprint(path: Path, *said: object) -> str:
    """What makes an import another one: the file's bytes and everything said about how to read it."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256")
    found.update(repr(said).encode())
    return found.hexdigest()[:32]
