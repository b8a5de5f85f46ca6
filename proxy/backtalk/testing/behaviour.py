"""How the scripted provider treats one request: what it answers, and every way in which a provider can misbehave.

A test hands behaviours to the provider in process, or names one in the `x-script` header (JSON of `Behaviour`), in
`metadata.script` of the body (the same), or by a model name such as `scripted-cut`.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from backtalk.testing.json_values import as_object

Framing = Literal["length", "chunked", "close"]
"""How the end of a response body is marked: content-length, chunked coding, or closing the connection."""

Newline = Literal["\n", "\r\n", "\r"]
"""The line ends that server-sent events allow."""


class Behaviour(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One scripted treatment. The default answers like a well-behaved provider."""

    text: str | None = None
    """The answer; None: a deterministic one made from the last user text."""
    tool_arguments: str | None = None
    """Arguments of a call of the first tool, as JSON, even where a tool has just answered; None: an example."""
    status: int = 200
    """From 400 on, a provider-shaped error body is answered."""
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    """Silence before the response head."""
    chunk_delay_s: float = 0.0
    """Silence before each write of the body."""
    hold: bool = False
    """Wait before the response head until `Provider.release` is called."""
    hold_after_writes: int | None = None
    """Wait after this many writes of the body until `Provider.release` is called."""
    cut_after_bytes: int | None = None
    """Reset the connection after this many bytes of the body."""
    raw_body: bytes | None = None
    """Exactly these bytes as the body, whatever was asked (base64 in JSON)."""
    raw_response: bytes | None = None
    """Exactly these bytes on the socket, head included, then close."""
    framing: Framing | None = None
    """None: content-length for JSON, chunked for streams."""
    write_bytes: int | None = None
    """Size of each write of the body; None: one write for JSON, one an event for streams."""
    newline: Newline = "\n"
    gzip: bool = False
    endless: bool = False
    """A stream repeats its content for ever."""
    noise: bool = False
    """Comments, pings, ids and unknown fields between the events, and unknown fields in JSON."""
    malformed: bool = False
    """Bodies and events that are no JSON."""
    words_per_chunk: int = 1


PRESETS: Final[Mapping[str, Behaviour]] = {
    "scripted-slow": Behaviour(delay_s=0.3, chunk_delay_s=0.02),
    "scripted-hold": Behaviour(hold=True),
    "scripted-cut": Behaviour(cut_after_bytes=120),
    "scripted-malformed": Behaviour(malformed=True),
    "scripted-bytes": Behaviour(write_bytes=1, newline="\r\n"),
    "scripted-gzip": Behaviour(gzip=True),
    "scripted-close": Behaviour(framing="close"),
    "scripted-endless": Behaviour(endless=True, chunk_delay_s=0.01),
    "scripted-noisy": Behaviour(noise=True),
    "scripted-drip": Behaviour(chunk_delay_s=0.05),
}
"""Behaviours that a model name asks for; `scripted-status-<code>` answers with that status."""

_decoder: Final = msgspec.json.Decoder(Behaviour)


def steered(headers: Mapping[str, str], body: Mapping[str, Any]) -> Behaviour | None:
    """Find the behaviour that a request itself asks for; None where it asks for none."""
    script: object = headers.get("x-script") or as_object(body.get("metadata")).get("script")
    if isinstance(script, str):
        return _decoder.decode(script)
    model = body.get("model")
    if not isinstance(model, str):
        return None
    status = model.removeprefix("scripted-status-")
    return Behaviour(status=int(status)) if status != model and status.isdigit() else PRESETS.get(model)


def as_header(behaviour: Behaviour) -> str:
    """Write a behaviour as the value of an `x-script` header."""
    return msgspec.json.encode(behaviour).decode()
