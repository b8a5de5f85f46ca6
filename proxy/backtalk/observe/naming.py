"""Names that an app gives: its session, its prompt and its end user, from a request's headers and body.

The header goes before the body, the body before W3C baggage. A very long name is replaced by its hash: it still tells
apart, and what is kept stays bounded.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from backtalk.observe.lenient_json import is_object

PROMPT_NAME_HEADER: Final = "x-prompt-name"
"""By which an app names the prompt template that it filled in; `metadata.prompt_name` says the same."""
PROMPT_VERSION_HEADER: Final = "x-prompt-version"
"""The version of that template; `metadata.prompt_version` says the same."""
PURPOSE_HEADER: Final = "x-backtalk-purpose"
"""By which a program says that a call is no user's, and what it is for, such as `evaluation`."""
_LONGEST: Final = 256


def named(value: object) -> str | None:
    """A name that somebody chose; None where it is none."""
    if not isinstance(value, str) or not value:
        return None
    return value if len(value) <= _LONGEST else f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"


def session_by_header(headers: Mapping[str, str], session_header: str) -> str | None:
    """The session that the configured header names."""
    return named(headers.get(session_header.lower(), "").strip())


def session_by_body(fields: dict[str, Any]) -> str | None:
    """The session that `metadata.session_id` or the responses API's `conversation` names."""
    metadata = fields.get("metadata")
    if is_object(metadata) and (found := named(metadata.get("session_id"))):
        return found
    return conversation(fields)


def session_by_baggage(baggage: str) -> str | None:
    """The `session.id` entry of a W3C baggage header."""
    for entry in baggage.split(","):
        key, _, value = entry.partition(";")[0].partition("=")
        if key.strip() == "session.id":
            return named(unquote(value.strip()))
    return None


def prompt(headers: Mapping[str, str], fields: dict[str, Any]) -> tuple[str | None, str | None]:
    """Name and version of the prompt template: by header, by metadata, or by OpenAI's `prompt` object."""
    metadata, stored = fields.get("metadata"), fields.get("prompt")
    told = metadata if is_object(metadata) else {}
    held = stored if is_object(stored) else {}
    by_header = (named(headers.get(name, "").strip()) for name in (PROMPT_NAME_HEADER, PROMPT_VERSION_HEADER))
    name, version = by_header
    return (
        name or named(told.get("prompt_name")) or named(held.get("id")),
        version or named(told.get("prompt_version")) or named(held.get("version")),
    )


def purpose(headers: Mapping[str, str]) -> str | None:
    """What a call is made for, where it is no user's."""
    return named(headers.get(PURPOSE_HEADER, "").strip().lower())


def conversation(fields: dict[str, Any]) -> str | None:
    """The conversation that the provider holds."""
    found = fields.get("conversation")
    return named(found.get("id") if is_object(found) else found)


def end_user(fields: dict[str, Any]) -> str | None:
    """The person at the app, by OpenAI's fields or Anthropic's."""
    metadata = fields.get("metadata")
    by_metadata = metadata.get("user_id") if is_object(metadata) else None
    return named(fields.get("user")) or named(fields.get("safety_identifier")) or named(by_metadata)
