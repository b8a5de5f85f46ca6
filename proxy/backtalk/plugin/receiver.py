"""A backend's HTTP API, for plugins that write to it: JSON out, JSON in, and what each refusal means.

In: method, path, a JSON value. Out: the JSON of the answer. The one rule: the key goes to the configured server and
nowhere else, and no answer is read beyond a bound.
"""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, Final, Literal

from backtalk.direct_http import open_directly

Method = Literal["GET", "POST", "PATCH", "DELETE"]
_ANSWER_LIMIT_BYTES: Final = 8 << 20
_DETAIL_LIMIT: Final = 200
_NEVER: Final = frozenset((400, 405, 409, 413, 415, 422))


class NotThereError(Exception):
    """The backend does not know what was named: it may come, for telemetry has a way of its own."""


class RefusedError(Exception):
    """The backend will never take this one."""


class Receiver:
    """One server; `headers` carry the key."""

    def __init__(self, url: str, headers: Mapping[str, str], timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        self._timeout_s = timeout_s

    def send(self, method: Method, path: str, body: object = None, query: Mapping[str, str] | None = None) -> Any:
        """The answer's JSON, None where there is none.

        Raises `NotThereError` for 404 and `RefusedError` for what the backend can never take; anything else it raises
        means that a later try may succeed.
        """
        url = f"{self._url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, self._headers, method=method)  # noqa: S310  # plugins take http and https
        try:
            with open_directly(request, self._timeout_s) as answer:
                return _decoded(answer)
        except urllib.error.HTTPError as error:
            with error:
                _raise_what_it_means(error)
            raise


def _decoded(answer: http.client.HTTPResponse) -> Any:
    text = answer.read(_ANSWER_LIMIT_BYTES)
    try:
        return json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        return None


def _raise_what_it_means(error: urllib.error.HTTPError) -> None:
    said = error.read(_DETAIL_LIMIT).decode("utf-8", "replace")
    if error.code == http.client.NOT_FOUND:
        raise NotThereError(said) from error
    if error.code in _NEVER:
        raise RefusedError(f"{error.code} {said}") from error
