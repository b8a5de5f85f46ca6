"""What goes into litellm and what comes out of it, as plain values: pure, and without litellm.

In: a client's JSON body, litellm's results and exceptions. Out: arguments, JSON bodies and server-sent events in
OpenAI's shape. The one rule: an argument reaches litellm only if its name is listed here. Its own arguments (where to
send, with which key, what to log) would let a client choose where our key goes.
"""

import base64
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, cast

import msgspec

from backtalk.errors import RequestError

Operation = Literal["chat", "embeddings", "responses"]
"""What the litellm lane can answer."""

Json = dict[str, Any]
"""A JSON object."""

PATHS: Final[Mapping[str, Operation]] = {
    "/v1/chat/completions": "chat",
    "/v1/embeddings": "embeddings",
    "/v1/responses": "responses",
}
_SAMPLING: Final = frozenset(
    ("model", "temperature", "top_p", "top_k", "user", "service_tier", "stream", "tools", "tool_choice")
)
_PASSED: Final[Mapping[Operation, frozenset[str]]] = {
    "chat": _SAMPLING | {
        "messages", "n", "stream_options", "stop", "max_tokens", "max_completion_tokens", "presence_penalty",
        "frequency_penalty", "logit_bias", "response_format", "seed", "parallel_tool_calls", "logprobs",
        "top_logprobs", "functions", "function_call", "reasoning_effort", "thinking", "modalities", "audio",
        "prediction", "verbosity", "web_search_options", "safety_settings",
    },
    "embeddings": frozenset(("model", "input", "dimensions", "user")),
    "responses": _SAMPLING | {
        "input", "instructions", "max_output_tokens", "parallel_tool_calls", "text", "reasoning", "truncation",
        "include", "max_tool_calls",
    },
}  # fmt: skip
_WITHOUT_EFFECT: Final = frozenset(
    ("metadata", "store", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "encoding_format")
)
"""Of OpenAI's own service; no other provider has them. The vectors' encoding is ours to make."""
_TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}


class Refusal(NamedTuple):
    """What a provider said instead of an answer; `status` is its own."""

    status: int
    message: str
    retry_after: str | None


def operation(path: str) -> Operation:
    """What a path asks for; raises `RequestError` where litellm cannot give it."""
    found = PATHS.get(path.rstrip("/"))
    if found is None:
        raise RequestError(
            f"this model is answered by litellm, which serves {', '.join(PATHS)} only", code="not_served", status=404
        )
    return found


def arguments(asked: Operation, body: bytes) -> Json:
    """The arguments for litellm; raises `RequestError` for a field that does not reach it."""
    try:
        fields = msgspec.json.decode(body, type=Json)
    except (ValueError, RecursionError) as error:
        raise RequestError("the body is no JSON object", code="malformed_request") from error
    passed = _PASSED[asked]
    for name in fields:
        if name not in passed and name not in _WITHOUT_EFFECT:
            known = ", ".join(sorted(passed))
            raise RequestError(f"{name!r} is not known here; known are {known}", code="unknown_parameter", param=name)
    return {name: value for name, value in fields.items() if name in passed}


def check_model(model: object) -> None:
    """Refuse a client's model that holds a URL: for some providers that is where the call goes, and our key with it."""
    if not isinstance(model, str) or "://" in model:
        raise RequestError("a model must be a name, not a URL", code="malformed_request", param="model")


def wants_base64(body: bytes) -> bool:
    """Whether an embeddings request asks for its vectors in base64, as OpenAI's clients do."""
    return bool(msgspec.json.decode(body, type=Json).get("encoding_format") == "base64")


def document(asked: Operation, value: Json, *, as_base64: bool = False) -> bytes:
    """A whole answer's JSON."""
    if asked == "chat":
        for choice in value.get("choices", ()):
            _pruned(choice.get("message", {})).setdefault("content", None)
            choice.setdefault("logprobs", None)
    if asked == "embeddings" and as_base64:
        for item in value.get("data", ()):
            vector = item.get("embedding")
            if isinstance(vector, list):
                item["embedding"] = _packed(cast("list[float]", vector))
    return msgspec.json.encode(value)


class ChatEvents:
    """Makes a stream's events of chunks. Usage that the client did not ask for stands on the last chunk of content."""

    def __init__(self, *, with_usage: bool) -> None:
        self._with_usage = with_usage
        self._held: Json | None = None

    def of(self, chunk: Json) -> Iterator[bytes]:
        """The events that a chunk brings."""
        if not chunk.get("choices") and not self._with_usage:
            if self._held is not None and "usage" in chunk:
                self._held["usage"] = chunk["usage"]
            return
        yield from self._let_go()
        for choice in chunk.get("choices", ()):
            _pruned(choice.get("delta", {}))
            choice.setdefault("finish_reason", None)
        if any(choice["finish_reason"] for choice in chunk.get("choices", ())):
            self._held = chunk
        else:
            yield _event(msgspec.json.encode(chunk))

    def end(self) -> Iterator[bytes]:
        """What is still to be said, and that nothing follows."""
        yield from self._let_go()
        yield _event(b"[DONE]")

    def _let_go(self) -> Iterator[bytes]:
        held, self._held = self._held, None
        if held is not None:
            yield _event(msgspec.json.encode(held))


class ResponseEvents:
    """Makes a stream's events of the Responses API's own."""

    def of(self, event: Json) -> Iterator[bytes]:
        """The event with its type as its name."""
        yield b"event: %b\n" % str(event.get("type", "")).encode() + _event(msgspec.json.encode(event))

    def end(self) -> Iterator[bytes]:
        """The last event said that nothing follows."""
        yield from ()


def error_body(refusal: Refusal) -> bytes:
    """A provider's refusal in OpenAI's shape."""
    kind = _TYPES.get(refusal.status, "server_error" if refusal.status >= 500 else "invalid_request_error")
    error = {"message": refusal.message, "type": kind, "param": None, "code": None}
    return msgspec.json.encode({"error": error})


def error_event(message: str) -> bytes:
    """An error inside a stream, as OpenAI's clients understand it."""
    error = {"message": message, "type": "upstream_error", "param": None, "code": "upstream_cut"}
    return _event(msgspec.json.encode({"error": error}))


def _pruned(message: Json) -> Json:
    """A message without litellm's own fields where they say nothing."""
    own = message.get("provider_specific_fields")
    if isinstance(own, dict) and not any(cast("Json", own).values()):
        del message["provider_specific_fields"]
    return message


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _event(data: bytes) -> bytes:
    return b"data: %b\n\n" % data
