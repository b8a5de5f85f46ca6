"""Paths: which of them are calls of a model API, which are reserved, and which part of the API each one is.

In: a request's path. Out: an `Endpoint`. The one rule: this is the only table of paths; listener, relay, observer,
spans and sessions all ask here. Three spellings are known: OpenAI's (`/v1/...`, Anthropic's messages there too),
Azure's (`/openai/deployments/{deployment}/...`, `/openai/v1/...`), and Ollama's (`/api/chat`, ...).
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from backtalk.model.chat import Api

FEEDBACK: Final = "/v1/feedback"
FEEDBACK_SCRIPT: Final = "/feedback.js"
FEEDBACK_LINK: Final = "/feedback/"
"""What stands before a token in a link that people follow."""
PREFIXES: Final = (b"/v1/", b"/openai/", b"/api/")
"""What the raw path of every call begins with."""
_OPENAI: Final = "/v1/"
_AZURE: Final = "/openai/"
_ENDINGS: Final[tuple[tuple[str, Api], ...]] = (
    ("/chat/completions", "chat"),
    ("/completions", "completions"),
    ("/embeddings", "embeddings"),
)

OLLAMA: Final[Mapping[str, Api]] = {
    "/api/chat": "ollama_chat",
    "/api/generate": "ollama_generate",
    "/api/embed": "ollama_embed",
    "/api/embeddings": "ollama_embed",
    "/api/tags": "models",
    "/api/show": "models",
    "/api/ps": "models",
    "/api/version": "other",
}
"""Ollama's paths for using models; those that change which models there are (pull, delete, ...) are not relayed."""

_EXACT: Final[Mapping[str, Api]] = {
    "audio/speech": "speech",
    "audio/transcriptions": "transcriptions",
    "audio/translations": "translations",
    "chat/completions": "chat",
    "completions": "completions",
    "embeddings": "embeddings",
    "images/edits": "images",
    "images/generations": "images",
    "images/variations": "images",
    "messages": "messages",
    "messages/batches": "batches",
    "messages/count_tokens": "count_tokens",
    "moderations": "moderations",
    "realtime": "realtime",
    "responses": "responses",
}
"""What follows the prefix, word for word."""

_COLLECTIONS: Final[Mapping[str, Api]] = {
    "batches": "batches",
    "containers": "containers",
    "conversations": "conversations",
    "evals": "evals",
    "files": "files",
    "fine_tuning": "fine_tuning",
    "models": "models",
    "responses": "stored_responses",
    "uploads": "uploads",
    "vector_stores": "vector_stores",
    "videos": "videos",
}
"""The first word after the prefix, where ids follow."""

_AZURE_PREFIX: Final = re.compile(r"/openai/(?:v1/|deployments/[^/]+/)?")
_SEARCH: Final = re.compile(r"vector_stores/[^/]+/search")


Dialect = Literal["openai", "anthropic", "ollama"]
"""Whose words are spoken; Azure's are OpenAI's."""


class Endpoint(NamedTuple):
    """A part of a model API. `route` is its path with names in place of ids: few, whatever is asked for."""

    api: Api
    route: str


def is_reserved(path: str) -> bool:
    """Whether a path belongs to the feedback door and is never relayed; a misspelt one does too.

    What a user wrote in a feedback must not reach the provider because of an `s` too many.
    """
    return path.startswith((FEEDBACK, FEEDBACK_LINK)) or path == FEEDBACK_SCRIPT


def is_call(path: str) -> bool:
    """Whether a path is of a model API: relayed and recorded."""
    if path.startswith(_OPENAI):
        return not is_reserved(path)
    return path.startswith(_AZURE) or path in OLLAMA


def api_of(path: str) -> Api:
    """Which part of a model API a path belongs to."""
    return endpoint_of(path).api


def endpoint_of(path: str) -> Endpoint:
    """The endpoint of a path; `other` where it is none that is known."""
    path = path.rstrip("/")
    if path in OLLAMA:
        return Endpoint(OLLAMA[path], path)
    prefix, tail = _split(path)
    if tail in _EXACT:
        return Endpoint(_EXACT[tail], prefix + tail)
    first, _, rest = tail.partition("/")
    if first not in _COLLECTIONS:
        return Endpoint(_by_ending(tail), prefix + "{path}")
    if _SEARCH.fullmatch(tail):
        return Endpoint("vector_search", prefix + "vector_stores/{id}/search")
    return Endpoint(_COLLECTIONS[first], f"{prefix}{first}/{{path}}" if rest else prefix + first)


def dialect_of(path: str) -> Dialect:
    """In whose words a path's requests, answers and errors are."""
    api = api_of(path)
    if api in ("messages", "count_tokens"):
        return "anthropic"
    return "ollama" if path.startswith("/api/") else "openai"


def _split(path: str) -> tuple[str, str]:
    """The prefix as routes show it, and what follows it."""
    if found := _AZURE_PREFIX.match(path):
        prefix = found[0]
        return ("/openai/deployments/{deployment}/" if "/deployments/" in prefix else prefix), path[len(prefix) :]
    return _OPENAI, path.removeprefix(_OPENAI)


def _by_ending(tail: str) -> Api:
    """What providers put before the known endings (`engines/x/completions`) changes nothing."""
    for ending, api in _ENDINGS:
        if tail.endswith(ending):
            return api
    return "other"
