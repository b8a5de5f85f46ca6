"""Errors as each dialect's clients expect them: `{"error": {"message", "type", "code", "param", "trace_id"}}`.

In: any exception, and the path that was asked for. Out: a status and a JSON body in OpenAI's shape; on Anthropic's
paths the same inside `{"type": "error"}`, with a type of theirs; on Ollama's the message alone. The one rule: only a
`BacktalkError` speaks for itself; of anything else nothing is shown, since its text may hold what was sent to us.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from backtalk.errors import BacktalkError
from backtalk.model.endpoints import dialect_of

_ANTHROPIC_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Anthropic's error types by status; `invalid_request_error` for other faults of the caller, else `api_error`."""
_TOO_MANY: Final = 429
_UNEXPECTED = BacktalkError("Backtalk failed to handle this request; the trace id names it.", code="internal_error")


class Problem(NamedTuple):
    """An HTTP answer that says what went wrong."""

    status: int
    body: bytes
    more: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that describe the body, and those that the error brings."""
        return [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.body)), *self.more]


def problem(error: BaseException, *, trace_id: str = "", path: str = "") -> Problem:
    """Turn any exception into an answer in the path's dialect; texts of unexpected ones stay inside."""
    known = error if isinstance(error, BacktalkError) else _UNEXPECTED
    return Problem(known.status, body_of(known, trace_id=trace_id, path=path), known.headers)


def answer(error: BaseException, trace_id: str, path: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """The same as plain parts, as `observe.middleware.Observe` takes it."""
    made = problem(error, trace_id=trace_id, path=path)
    return made.status, made.headers, made.body


def body_of(error: BacktalkError, *, trace_id: str = "", path: str = "") -> bytes:
    """The JSON body alone; `trace_id` is null where it is not known."""
    inner = {
        "message": error.message,
        "type": "rate_limit_error" if error.status == _TOO_MANY else error.kind,
        "code": error.code,
        "param": error.param,
        "trace_id": trace_id or None,
    }
    return json.dumps(_shaped(error, inner, path), separators=(",", ":")).encode()


def _shaped(error: BacktalkError, inner: dict[str, Any], path: str) -> dict[str, Any]:
    dialect = dialect_of(path)
    if dialect == "anthropic":
        fallback = "invalid_request_error" if error.status < 500 else "api_error"
        return {"type": "error", "error": inner | {"type": _ANTHROPIC_TYPES.get(error.status, fallback)}}
    if dialect == "ollama":
        return {"error": error.message, "code": error.code, "trace_id": inner["trace_id"]}
    return {"error": inner}
