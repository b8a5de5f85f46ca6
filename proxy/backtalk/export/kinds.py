"""What kind of call it was, in the few words that spans and metrics share. Pure, without OpenTelemetry's library."""

from collections.abc import Mapping
from typing import Final

from backtalk.model.chat import Api
from backtalk.model.endpoints import endpoint_of
from backtalk.model.facts import CallClosed

OPERATIONS: Final[Mapping[Api, str]] = {
    "chat": "chat",
    "responses": "chat",
    "messages": "chat",
    "ollama_chat": "chat",
    "realtime": "chat",
    "completions": "text_completion",
    "ollama_generate": "text_completion",
    "embeddings": "embeddings",
    "ollama_embed": "embeddings",
    "images": "generate_content",
    "speech": "generate_content",
    "transcriptions": "generate_content",
    "translations": "generate_content",
    "videos": "generate_content",
    "vector_search": "retrieval",
}
"""The GenAI operation of each API; calls of the others are plain HTTP."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
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
    return endpoint_of(call.opened.path).route


def method_of(call: CallClosed) -> str:
    """The method, `_OTHER` where it is none of the known ones."""
    return call.opened.method if call.opened.method in METHODS else "_OTHER"
