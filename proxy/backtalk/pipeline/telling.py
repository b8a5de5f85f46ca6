"""Tells somebody's webhook of a proposal, signed as Standard Webhooks says.

In: a URL, the variable of a secret, a message. Out: whether it was taken. The one rule: bounded tries under one id, so
that a receiver can tell a repeat; an answer of 2xx is a yes, everything else is not.
"""

import base64
import hashlib
import hmac
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from backtalk import clock
from backtalk.direct_http import open_directly
from backtalk.errors import SetupError
from backtalk.settings import key_variable

TRIES: Final = 4
PAUSE_S: Final = 0.5
"""Before the second try; it doubles."""
_TIMEOUT_S: Final = 10.0
_WHY_CHARS: Final = 200
_PREFIX: Final = "whsec_"


class Sent(NamedTuple):
    """What became of it."""

    told: bool
    attempts: int
    message: str = ""


def tell(url: str, secret_env: str | None, name: str, message: Mapping[str, Any]) -> Sent:
    """Send a message, again where it is not taken; `name` is the same in every try."""
    body = json.dumps(message, ensure_ascii=False).encode()
    pause_s, why = PAUSE_S, ""
    for attempt in range(1, TRIES + 1):
        try:
            with open_directly(_request(url, secret_env, name, body), _TIMEOUT_S):
                return Sent(told=True, attempts=attempt)
        except SetupError as error:
            return Sent(told=False, attempts=attempt, message=error.message)
        except urllib.error.HTTPError as error:
            error.close()
            why = f"status {error.code}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:_WHY_CHARS]}"
        if attempt < TRIES:
            time.sleep(pause_s)
            pause_s *= 2
    return Sent(told=False, attempts=TRIES, message=why)


def _request(url: str, secret_env: str | None, name: str, body: bytes) -> urllib.request.Request:
    at_s = str(clock.now().wall_ns // clock.NS_PER_S)
    headers = {"content-type": "application/json", "webhook-id": name, "webhook-timestamp": at_s}
    if secret_env is not None:
        secret = key_variable(secret_env, "promote.secret_env")
        headers["webhook-signature"] = signature(secret, name, at_s, body)
    return urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 -- the owner names the address


def signature(secret: str, name: str, at_s: str, body: bytes) -> str:
    """The `webhook-signature` of a message; a secret that begins with `whsec_` is base64, as others write it."""
    try:
        encoded = secret.startswith(_PREFIX)
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True) if encoded else secret.encode()
    except ValueError as error:
        raise SetupError("promote.secret_env: what follows whsec_ is no base64", code="bad_settings") from error
    if not key:
        raise SetupError("promote.secret_env: nothing follows whsec_", code="bad_settings")
    signed = hmac.new(key, f"{name}.{at_s}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"
