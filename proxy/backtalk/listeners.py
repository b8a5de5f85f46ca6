"""The listening sockets of `serve`, bound by the parent before anything starts, and where others find them.

In: settings. Out: sockets that the children inherit. The one rule: an address that cannot be used is said at once, with
the option that chooses another; and since the parent keeps them, no connection is refused between two lives of a child.
"""

import contextlib
import json
import os
import socket
from collections.abc import Generator
from typing import Final, NamedTuple, Self

from backtalk.errors import SetupError
from backtalk.settings import Settings

BACKLOG: Final = 2048
ADDRESSES: Final = "addresses.json"


class Addresses(NamedTuple):
    """Where both listeners are reached, without a path."""

    public: str
    admin: str


class Listeners:
    """Both of them, or none."""

    def __init__(self, settings: Settings) -> None:
        self.public = bind(settings.host, settings.port, "port")
        try:
            self.admin = bind(settings.admin_host, settings.admin_port, "admin-port")
        except SetupError:
            self.public.close()
            raise

    @property
    def addresses(self) -> Addresses:
        """What was bound, also where any free port was asked for."""
        return Addresses(url_of(self.public), url_of(self.admin))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.public.close()
        self.admin.close()


def bind(host: str, port: int, option: str) -> socket.socket:
    """Listen; raises `SetupError` that names the option where that is not possible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise SetupError(
            f"cannot listen on {host}:{port}: {said}; choose another --{option}", code="bad_port"
        ) from error


def url_of(listener: socket.socket) -> str:
    """Where a listener is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://{_authority(host, port)}"


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def announced(addresses: Addresses, settings: Settings) -> Generator[None]:
    """While it lasts, commands that are given only the data directory find the listeners."""
    path = settings.data_dir / ADDRESSES
    draft = path.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        json.dump(addresses._asdict(), file)
    draft.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def addresses_of(settings: Settings) -> Addresses:
    """Where the Backtalk of a data directory listens now; where none has said so, what its settings would bind."""
    try:
        return Addresses(**json.loads((settings.data_dir / ADDRESSES).read_text(encoding="ascii")))
    except (OSError, ValueError, TypeError):
        public, admin = _authority(settings.host, settings.port), _authority(settings.admin_host, settings.admin_port)
        return Addresses(f"http://{public}", f"http://{admin}")
