"""What an installation keeps for itself: its secret and its admin token, each made once, readable by its owner alone.

In: the data directory. Out: bytes and text. The one rule: two processes that ask at the same moment get the same
answer, since a file appears whole or not at all, and the first one stays.
"""

import os
import secrets
from pathlib import Path
from typing import Final

from backtalk.errors import SetupError

SECRET: Final = "secret"  # noqa: S105 -- a file name
ADMIN_TOKEN: Final = "admin-token"  # noqa: S105 -- a file name
_SECRET_BYTES: Final = 32


def secret(data_dir: Path) -> bytes:
    """The installation's secret, by which credentials, addresses and messages are hashed."""
    text = _once(data_dir, SECRET, secrets.token_hex(_SECRET_BYTES))
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _SECRET_BYTES:
        message = f"{data_dir / SECRET} is damaged; restore it, or delete it to begin anew with other hashes"
        raise SetupError(message, code="bad_data_dir")
    return key


def admin_token(data_dir: Path, given: str | None = None) -> str:
    """The admin listener's bearer token: the one from the settings, else one made once."""
    token = given or _once(data_dir, ADMIN_TOKEN, secrets.token_urlsafe(32))
    if not token:
        raise SetupError(f"{data_dir / ADMIN_TOKEN} is empty; delete it to have one made", code="bad_data_dir")
    return token


def _once(data_dir: Path, name: str, value: str) -> str:
    path = data_dir / name
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _place(path, value)
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"cannot keep {name} in {data_dir}: {error}", code="bad_data_dir") from error


def _place(path: Path, value: str) -> None:
    """Write beside, sync, and link into place: the link fails where another process was first, and its file stays."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, f"{value}\n".encode("ascii"))
        os.fsync(descriptor)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        draft.unlink()
