"""Errors as each dialect's clients expect them."""

import json

import pytest

from backtalk.errors import BacktalkError, RequestError, SetupError, StoreError, UpstreamError
from backtalk.web.problems import problem


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (RequestError("too large", code="body_too_large", status=413), 413, "invalid_request_error"),
        (RequestError("used up", code="rate_limit_exceeded", status=429), 429, "rate_limit_error"),
        (UpstreamError("silent", code="upstream_timeout", status=504), 504, "upstream_error"),
        (StoreError("full", code="spool_full"), 503, "store_error"),
        (SetupError("no such file", code="bad_settings"), 500, "setup_error"),
        (BacktalkError("bad", code="bad"), 500, "server_error"),
    ],
)
def test_own_errors_speak_for_themselves(error: BacktalkError, status: int, kind: str) -> None:
    """Message, code and the status of the error's class reach the client in OpenAI's shape."""
    answer = problem(error, trace_id="ab" * 16)
    shown = json.loads(answer.body)["error"]
    assert answer.status == status
    assert shown == {
        "message": error.message,
        "type": kind,
        "code": error.code,
        "param": None,
        "trace_id": "ab" * 16,
    }
    assert dict(answer.headers)[b"content-length"] == str(len(answer.body)).encode()


def test_unexpected_errors_say_nothing_of_themselves() -> None:
    """The text of a stranger's exception may hold a secret: it is not shown."""
    answer = problem(ValueError("sk-secret"))
    assert answer.status == 500
    assert b"sk-secret" not in answer.body
    assert json.loads(answer.body)["error"]["code"] == "internal_error"
    assert json.loads(answer.body)["error"]["trace_id"] is None


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "invalid_request_error"), (413, "request_too_large"), (429, "rate_limit_error")]
)
def test_on_anthropics_paths_errors_have_anthropics_shape(status: int, kind: str) -> None:
    """The type is one of theirs; code and trace id stand beside it."""
    error = RequestError("no", code="why", status=status)
    shown = json.loads(problem(error, trace_id="ab", path="/v1/messages").body)
    assert shown["type"] == "error"
    assert shown["error"] == {"message": "no", "type": kind, "code": "why", "param": None, "trace_id": "ab"}
    unexpected = json.loads(problem(ValueError("sk-secret"), path="/v1/messages/count_tokens").body)
    assert unexpected["error"]["type"] == "api_error"


def test_on_ollamas_paths_an_error_is_a_text() -> None:
    """As its clients read it."""
    shown = json.loads(problem(RequestError("no", code="why"), trace_id="ab", path="/api/chat").body)
    assert shown == {"error": "no", "code": "why", "trace_id": "ab"}
