"""Errors as OpenAI clients expect them: `{"error": {"message", "type", "code", "param", "trace_id"}}`.

In: any exception. Out: a status and a JSON body. The one rule: only a `BacktalkError` speaks for itself; of anything
else nothing is shown, since its text may hold what was sent to us.
"""

import json
from typing import NamedTuple

from backtalk.errors import BacktalkError

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


def problem(error: BaseException, *, trace_id: str = "") -> Problem:
    """Turn any exception into an OpenAI-shaped answer; texts of unexpected ones stay inside."""
    known = error if isinstance(error, BacktalkError) else _UNEXPECTED
    return Problem(known.status, body_of(known, trace_id=trace_id), known.headers)


def answer(error: BaseException, trace_id: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """The same as plain parts, as `observe.middleware.Observe` takes it."""
    made = problem(error, trace_id=trace_id)
    return made.status, made.headers, made.body


def body_of(error: BacktalkError, *, trace_id: str = "") -> bytes:
    """The JSON body alone; `trace_id` is null where it is not known."""
    inner = {
        "message": error.message,
        "type": error.kind,
        "code": error.code,
        "param": error.param,
        "trace_id": trace_id or None,
    }
    return json.dumps({"error": inner}, separators=(",", ":")).encode()
