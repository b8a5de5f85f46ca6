"""What kind of call it was, in the few words that spans and metrics share. Pure, without OpenTelemetry's library."""

from collections.abc import Mapping
from typing import Final

from backtalk.model.chat import Api
from backtalk.model.facts import CallClosed

OPERATIONS: Final[Mapping[Api, str]] = {
    "chat": "chat",
    "responses": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
}
"""The GenAI operation of each API; calls of the others are plain HTTP."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_ROUTES: Final[Mapping[Api, str]] = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
    "embeddings": "/v1/embeddings",
    "models": "/v1/models",
}
_WORD_LIMIT: Final = 512


def error_type(call: CallClosed) -> str | None:
    """What kind of error a call ended with, of few kinds; None where it did its job."""
    if call.outcome != "completed":
        return call.outcome
    if call.status >= 400 or call.response.error_type:
        return (call.response.error_type or str(call.status))[:_WORD_LIMIT]
    return None


def route_of(call: CallClosed) -> str:
    """The route of a call: few, whatever paths are asked for."""
    route = _ROUTES.get(call.opened.api, "/v1/{path}")
    return route if call.opened.path.rstrip("/").endswith(route) else "/v1/{path}"


def method_of(call: CallClosed) -> str:
    """The method, `_OTHER` where it is none of the known ones."""
    return call.opened.method if call.opened.method in METHODS else "_OTHER"
