"""Every error Backtalk raises on purpose, by whose fault it is.

Each carries a stable `code` and a `message` that is safe to show to whoever caused it. The doors (`web/`, `relay/`,
`cli.py`) turn them into HTTP answers or exit statuses; nothing else does.
"""

from typing import ClassVar


class BacktalkError(Exception):
    """The root: an error with a status, a stable code and a sentence that is safe to show."""

    kind: ClassVar[str] = "server_error"

    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Fields for the answer besides those that describe its body, such as `retry-after`."""

    def __init__(self, message: str, *, code: str, status: int = 500, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.param = param


class RequestError(BacktalkError):
    """The caller's fault (4xx): what was sent cannot be accepted; the message says what is allowed."""

    kind = "invalid_request_error"

    def __init__(self, message: str, *, code: str, status: int = 400, param: str | None = None) -> None:
        super().__init__(message, code=code, status=status, param=param)


class UpstreamError(BacktalkError):
    """The model provider's fault: unreachable (502), too slow (504), or cut off."""

    kind = "upstream_error"

    def __init__(self, message: str, *, code: str, status: int = 502) -> None:
        super().__init__(message, code=code, status=status)


class StoreError(BacktalkError):
    """Backtalk's own storage cannot take or give a fact now (503); nothing that was acknowledged is affected."""

    kind = "store_error"

    def __init__(self, message: str, *, code: str, status: int = 503) -> None:
        super().__init__(message, code=code, status=status)


class SetupError(BacktalkError):
    """The installation's fault, found at start: a setting, a plugin, a directory; the message says what to do."""

    kind = "setup_error"
