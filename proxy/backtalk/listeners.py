"""The listening sockets of `serve`, bound by the parent before anything starts.

In: settings. Out: sockets that the children inherit. The one rule: an address that cannot be used is said at once, with
the option that chooses another; and since the parent keeps them, no connection is refused between two lives of a child.
"""

import socket
from typing import Final, Self

from backtalk.errors import SetupError
from backtalk.settings import Settings

BACKLOG: Final = 2048


class Listeners:
    """Both of them, or none."""

    def __init__(self, settings: Settings) -> None:
        self.public = bind(settings.host, settings.port, "port")
        try:
            self.admin = bind(settings.admin_host, settings.admin_port, "admin-port")
        except SetupError:
            self.public.close()
            raise

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
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
