"""A call as it was meant: messages, tool calls, usage. Every dialect is understood into these values."""

from typing import Literal

import msgspec

Api = Literal[
    "chat",
    "completions",
    "responses",
    "stored_responses",
    "conversations",
    "messages",
    "count_tokens",
    "ollama_chat",
    "ollama_generate",
    "embeddings",
    "ollama_embed",
    "models",
    "moderations",
    "images",
    "speech",
    "transcriptions",
    "translations",
    "videos",
    "realtime",
    "files",
    "uploads",
    "batches",
    "fine_tuning",
    "vector_stores",
    "vector_search",
    "evals",
    "containers",
    "other",
]
"""Which part of a model API a call used (`model.endpoints` says by which path)."""


class ToolCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """One tool call of an assistant message; `arguments` is the text the model produced, valid JSON or not."""

    id: str
    name: str
    arguments: str


class Media(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image, a sound or a file, by reference: its bytes are never kept."""

    kind: Literal["image", "audio", "video", "file"]
    sha256: str | None = None
    """Of the bytes, where they were sent along."""
    size_bytes: int | None = None
    media_type: str | None = None
    name: str | None = None
    ref: str | None = None
    """An address, or a provider's file id, where the bytes were not sent along."""


class Citation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a text leans on: `start` and `end` are characters of the text, where they are told."""

    kind: str
    source: str | None = None
    """An address, or a provider's file id."""
    title: str | None = None
    quoted: str | None = None
    start: int | None = None
    end: int | None = None


class TokenLogprob(msgspec.Struct, frozen=True, array_like=True):
    """One token that was chosen, and the natural logarithm of its probability."""

    token: str
    logprob: float


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message. `text` is its plain text; `canonical` its whole JSON with sorted keys (None where text says all).

    In `canonical` a hash stands in place of each picture's, sound's and file's bytes.
    """

    role: str
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    attachments: tuple[str, ...] = ()
    """Sha256 of each non-text part, in order: what tells two messages apart. `media` says what they are."""
    canonical: str | None = None
    media: tuple[Media, ...] = ()
    citations: tuple[Citation, ...] = ()


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Token counts as the provider reported them, or `estimated` from the texts where it reported none.

    `input_tokens` counts all input, what was read from a cache (`cached_tokens`) and written to one included, and
    `output_tokens` all output, reasoning included, whatever the provider's own sums are.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False
    cache_write_tokens: int | None = None


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the app asked. `params_json` holds every other field of the body, verbatim values, sorted keys."""

    model: str | None = None
    messages: tuple[Message, ...] = ()
    stream: bool = False
    choice_count: int = 1
    user: str | None = None
    declared_session: str | None = None
    tools_json: str | None = None
    params_json: str = "{}"
    not_understood: str | None = None
    """Why the body could not be understood; it was relayed all the same."""
    previous_response: str | None = None
    """The response that this one continues, where the provider holds the history (`previous_response_id`)."""
    conversation: str | None = None
    """The conversation that this one continues, where the provider holds the history."""
    prompt_name: str | None = None
    """The prompt template that the app filled in, by the name that the app gave."""
    prompt_version: str | None = None
    purpose: str | None = None
    """What the call is made for where it is no user's, such as an evaluation, by the word that the app gave."""


class Response(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the model answered: one message a choice, as far as it reached the client."""

    id: str | None = None
    model: str | None = None
    choices: tuple[Message, ...] = ()
    finish_reasons: tuple[str, ...] = ()
    usage: Usage | None = None
    error_type: str | None = None
    error_message: str | None = None
    not_understood: str | None = None
    retrieved: str | None = None
    """The stored response that this was a later look at; `id` is None then."""
    logprobs: tuple[tuple[TokenLogprob, ...], ...] = ()
    """Of the tokens of each choice, where they were asked for; empty where no choice has any."""

    @property
    def text(self) -> str:
        """The first choice's text."""
        return self.choices[0].text if self.choices else ""
