"""Errors of providers as litellm tells them, as what a client may be told.

In: an exception of litellm. Out: the refusal of its provider, or an error of ours. The one rule: a provider's words
pass, and no key that stands in them does.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from backtalk.relay import failures
from backtalk.relay.reply import RefusedError
from backtalk.relay.translated import Refusal

_MESSAGE_LIMIT: Final = 4096
_SECRET_NAME: Final = re.compile(r"key|secret|token|password|credential")
_KEY: Final = re.compile(r"(?:\b(?:sk|pk|rk|gsk|xai)-|\bAIza|\bAKIA|(?<=Bearer ))[A-Za-z0-9_.-]{12,}")
"""What keys look like: one that litellm took from the environment is known by its form alone."""
_UNCONNECTED: Final = frozenset(("ClientConnectorError", "ConnectError", "ConnectionRefusedError", "gaierror"))


def told(error: Exception, secrets: Sequence[str], limit_s: float) -> Exception:
    """An exception of litellm as what the client is to be told."""
    refusal = refusal_of(error, secrets=secrets)
    if refusal is not None:
        return RefusedError(refusal)
    status = getattr(error, "status_code", None)
    if status == 408:  # no head, so no answer of the provider's: litellm's own word for a wait that was too long
        return failures.idle_timeout(limit_s)
    if isinstance(status, int) and 400 <= status < 500:
        return RefusedError(Refusal(status, safe_message(error, secrets=secrets), None))
    return failures.provider_unreachable() if is_unconnected(error) else failures.cut()


def refusal_of(error: BaseException, *, secrets: Sequence[str]) -> Refusal | None:
    """What the provider answered, found in the chain behind litellm's exception; None where it answered nothing.

    litellm tells some statuses as others (529 as 500) and drops the headers, so the provider's own exception is asked.
    """
    for one in chain(error):
        headers = _headers(one)
        status = getattr(one, "status_code", None)
        if headers is not None and isinstance(status, int) and 400 <= status < 600:
            return Refusal(status, safe_message(one, secrets=secrets), headers.get("retry-after"))
    return None


def is_unconnected(error: BaseException) -> bool:
    """Whether the provider could not even be reached."""
    return any(type(one).__name__ in _UNCONNECTED for one in chain(error))


def secrets_of(own: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of a target's arguments that nobody is to see, by their names; the longest first."""
    found = (value for name, value in own.items() if isinstance(value, str) and value and _SECRET_NAME.search(name))
    return tuple(sorted(found, key=len, reverse=True))


def safe_message(error: BaseException, *, secrets: Sequence[str]) -> str:
    """An exception's sentence: the provider's own where it is JSON, without any key that it may repeat."""
    message = getattr(error, "message", None) or str(error)
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    said = _said(text)
    for secret in secrets:
        said = said.replace(secret, "***")
    return _KEY.sub("***", said[:_MESSAGE_LIMIT])


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it came of, at most sixteen."""
    one: BaseException | None = error
    for _ in range(16):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__


def _headers(error: BaseException) -> Mapping[str, str] | None:
    for holder in (error, getattr(error, "response", None)):
        headers = getattr(holder, "headers", None)
        if headers:
            return cast("Mapping[str, str]", headers)
    return None


def _said(text: str) -> str:
    """The `message` of the JSON in a text; the text itself where there is none."""
    begin = text.find("{")
    try:
        message = json.loads(text[begin:])["error"]["message"] if begin >= 0 else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return text
    return message if isinstance(message, str) else text
