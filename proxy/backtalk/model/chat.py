"""A call as it was meant: messages, tool calls, usage. Every dialect is understood into these values."""

from typing import Literal

import msgspec

Api = Literal["chat", "completions", "responses", "embeddings", "models", "other"]
"""Which part of the model API a call used."""


class ToolCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """One tool call of an assistant message; `arguments` is the text the model produced, valid JSON or not."""

    id: str
    name: str
    arguments: str


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message. `text` is its plain text; `canonical` its whole JSON with sorted keys (None where text says all)."""

    role: str
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    attachments: tuple[str, ...] = ()
    """Keyed or plain sha256 of each non-text part, in order."""
    canonical: str | None = None


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Token counts as the provider reported them, or `estimated` from the texts where it reported none."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False


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

    @property
    def text(self) -> str:
        """The first choice's text."""
        return self.choices[0].text if self.choices else ""
