"""Asks a model through Backtalk: one chat completion at a time, marked as an evaluation's.

In: a request's fields. Out: the answer with its call's ids, or `NoAnswerError`. The one rule: a call says what it is
for (`x-backtalk-purpose`), so nobody takes it for a user's; and the key goes to the configured server and nowhere else.
"""

import contextlib
import email.message
import http.client
import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

import msgspec

from backtalk.direct_http import open_directly
from backtalk.model.chat import Message, ToolCall

PURPOSE: Final = "evaluation"
PURPOSE_HEADER: Final = "x-backtalk-purpose"
_LIMIT_BYTES: Final = 16 << 20
_REQUEST_ID: Final = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")
_AGAIN: Final = frozenset((408, 409, 425, 429))
_LONGEST_S: Final = 30.0
_DETAIL_CHARS: Final = 200


class CallIds(NamedTuple):
    """The call's ids; None where what answered was no Backtalk."""

    trace_id: str | None = None
    span_id: str | None = None


class Answered(NamedTuple):
    """One answer."""

    message: Message
    ids: CallIds
    usage: Mapping[str, int]
    finish_reason: str


class NoAnswerError(Exception):
    """The provider gave no answer; `again` says whether it may yet."""

    def __init__(self, message: str, ids: CallIds, *, again: bool, after_s: float | None = None) -> None:
        super().__init__(message)
        self.ids = ids
        self.again = again
        self.after_s = after_s


class Asker:
    """One model API; may be used by several threads."""

    def __init__(self, base_url: str, key: str | None, *, timeout_s: float, attempts: int) -> None:
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._headers = {"Content-Type": "application/json", PURPOSE_HEADER: PURPOSE}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let no call be tried again."""
        self._stopped.set()

    def ask(self, body: Mapping[str, Any]) -> Answered:
        """The answer; what may pass is tried again, with growing pauses; raises `NoAnswerError`."""
        for attempt in range(1, self._attempts + 1):
            try:
                return self._once(json.dumps(body).encode())
            except NoAnswerError as error:
                if not error.again or attempt == self._attempts or self._stopped.is_set():
                    raise
                pause_s = error.after_s if error.after_s is not None else 0.5 * 2.0 ** (attempt - 1)
                self._stopped.wait(min(pause_s, _LONGEST_S))
        raise AssertionError("an attempt either answers or raises")

    def _once(self, body: bytes) -> Answered:
        request = urllib.request.Request(self._url, body, self._headers)  # noqa: S310 -- the plan allows http and https
        try:
            with open_directly(request, self._timeout_s) as answer:
                return _answered(answer.read(_LIMIT_BYTES), ids_of(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}", CallIds(), again=True) from error


def ids_of(headers: email.message.Message) -> CallIds:
    """The ids that Backtalk puts on every response."""
    found = _REQUEST_ID.fullmatch(headers.get("x-request-id") or "")
    return CallIds(found[1], found[2]) if found else CallIds()


def _refused(error: urllib.error.HTTPError) -> NoAnswerError:
    said = b""
    with contextlib.suppress(OSError, http.client.HTTPException):
        said = error.read(_LIMIT_BYTES)
    after = error.headers.get("retry-after") or ""
    return NoAnswerError(
        f"{error.code} {_detail(said)}".strip(),
        ids_of(error.headers),
        again=error.code in _AGAIN or error.code >= 500,
        after_s=float(after) if after.isascii() and after.isdigit() and len(after) < 5 else None,
    )


def _detail(said: bytes) -> str:
    """The provider's code, or the beginning of its message, on one line."""
    with contextlib.suppress(ValueError, RecursionError, AttributeError):
        error: Any = json.loads(said).get("error")
        said = str(error.get("code") or error.get("message")).encode()
    return " ".join(said.decode("utf-8", "replace").split())[:_DETAIL_CHARS]


def _answered(said: bytes, ids: CallIds) -> Answered:
    try:
        document = msgspec.json.decode(said)  # strict: half of a pair of surrogates could be written down nowhere
        choice = document["choices"][0]
        message = choice["message"]
        calls = tuple(_call(one) for one in message.get("tool_calls") or ())
        text, refusal = message.get("content") or "", message.get("refusal")
        found = Message("assistant", _text(text), calls, refusal=refusal if isinstance(refusal, str) else None)
        return Answered(found, ids, _usage(document), str(choice.get("finish_reason") or "stop"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, msgspec.MsgspecError) as error:
        raise NoAnswerError(f"no chat completion came: {type(error).__name__}", ids, again=False) from error


def _text(content: object) -> str:
    """Plain text, or the text parts of a list."""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in cast("list[dict[str, Any]]", content))


def _call(one: Mapping[str, Any]) -> ToolCall:
    return ToolCall(str(one.get("id") or ""), str(one["function"]["name"]), str(one["function"]["arguments"]))


def _usage(document: Mapping[str, Any]) -> dict[str, int]:
    usage: Any = document.get("usage") or {}
    return {name: usage[name] for name in ("prompt_tokens", "completion_tokens") if type(usage.get(name)) is int}
