"""The dialects: for each part of a model API, the functions that understand its requests and its answers.

The one rule: an API without an entry is understood as far as it is JSON (model, usage) and never complained about.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from backtalk.model.chat import Api, Message, Response
from backtalk.observe import anthropic, chat, completions, generation, ollama, responses

Fields = dict[str, Any]


class Dialect(NamedTuple):
    """How one part of an API is read. `messages` gives None where the body lacks what `missing` says."""

    messages: Callable[[Fields], tuple[Message, ...] | None]
    missing: str
    own: frozenset[str]
    """The fields of a request body that have a place of their own in `Request`; all others are parameters."""
    answer: Callable[[Fields], Response]
    assemble: Callable[[Iterable[Fields]], Fields]
    listed: str = "messages"
    """The field that may hold a list of messages."""
    streams: bool = False
    """Whether it streams where the request does not say."""


def _completion_chunks(chunks: Iterable[Fields]) -> Fields:
    return chat.assemble(chunks, "text", "text")


def _none(_fields: Fields) -> tuple[Message, ...]:
    return ()


_OWN: Final = frozenset({"model", "stream", "n", "user", "tools"})
_NO_MESSAGES: Final = "messages is no array"
_GENERATION: Final = Dialect(
    generation.prompt_messages,
    "",
    _OWN | {"prompt", "input", "image", "images", "mask"},
    generation.response,
    generation.assemble,
)
PLAIN: Final = Dialect(_none, "", _OWN | {"input"}, generation.plain, generation.assemble)
"""Any other API."""

DIALECTS: Final[Mapping[Api, Dialect]] = {
    "chat": Dialect(chat.request_messages, _NO_MESSAGES, _OWN | {"messages"}, chat.response, chat.assemble),
    "completions": Dialect(
        completions.request_messages,
        "prompt is neither text nor array",
        _OWN | {"prompt"},
        completions.response,
        _completion_chunks,
        listed="prompt",
    ),
    "responses": Dialect(
        responses.request_messages,
        "input is neither text nor array",
        _OWN | {"input", "instructions"},
        responses.response,
        responses.assemble,
        listed="input",
    ),
    "stored_responses": Dialect(_none, "", _OWN, responses.stored, responses.assemble),
    "messages": Dialect(
        anthropic.request_messages, _NO_MESSAGES, _OWN | {"messages", "system"}, anthropic.response, anthropic.assemble
    ),
    "count_tokens": Dialect(
        anthropic.request_messages, _NO_MESSAGES, _OWN | {"messages", "system"}, anthropic.counted, anthropic.assemble
    ),
    "ollama_chat": Dialect(
        ollama.chat_messages, _NO_MESSAGES, _OWN | {"messages"}, ollama.response, ollama.assemble, streams=True
    ),
    "ollama_generate": Dialect(
        ollama.prompt_messages,
        "prompt is no text",
        _OWN | {"prompt", "system", "images", "context"},
        ollama.response,
        ollama.assemble,
        streams=True,
    ),
    "embeddings": PLAIN,
    "ollama_embed": PLAIN,
    "moderations": PLAIN,
    "images": _GENERATION,
    "speech": _GENERATION,
    "transcriptions": _GENERATION,
    "translations": _GENERATION,
    "videos": _GENERATION,
    "vector_search": PLAIN,
}
