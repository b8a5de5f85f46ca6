"""A reader's place in the journal, kept in a small file; the reader's deliveries are at least once behind it."""

from pathlib import Path

from backtalk.spool.files import make_directory, replace


class Cursor:
    """The offset behind the last delivered entry. `stream` names the journal it belongs to, if its id is given."""

    def __init__(self, path: Path, *, stream: str = "") -> None:
        self._path = path
        self._stream = stream

    def load(self) -> int | None:
        """The saved offset; None where there is none, it is damaged, or it belongs to another journal."""
        try:
            text = self._path.read_text(encoding="ascii")
            offset, _, stream = text.rstrip("\n").partition(" ")
            return int(offset) if stream == self._stream else None
        except (OSError, ValueError):
            return None

    def save(self, offset: int) -> None:
        """Remember an offset, durable on return."""
        make_directory(self._path.parent)
        replace(self._path, f"{offset} {self._stream}\n".encode("ascii"))
