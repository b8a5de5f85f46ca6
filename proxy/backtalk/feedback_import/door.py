"""The public door, as an import goes through it: batches over one connection, again until they are taken.

In: bodies of feedback. Out: what became of each, in order. The one rule: a batch that was not answered is sent again,
which is safe since each feedback has an id; a door that takes nothing for too long ends the import, which can go on
later.
"""

import http.client
import json
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from backtalk.errors import RequestError, StoreError
from backtalk.model.endpoints import FEEDBACK

BATCH: Final = 200
"""Feedback in one body; the door takes so many."""
PATIENCE_S: Final = 300.0
_TIMEOUT_S: Final = 60.0
_LONGEST_PAUSE_S: Final = 10.0
_FIRST_PAUSE_S: Final = 0.25
_BUSY: Final = (429, 502, 503, 504)


class Taken(NamedTuple):
    """What became of one feedback; `feedback_id` empty where it was refused, for `reason`."""

    feedback_id: str
    duplicate: bool = False
    code: str = ""
    reason: str = ""


class Door:
    """One connection to the public listener; opened again when it breaks."""

    def __init__(
        self,
        url: str,
        api_key: str | None,
        *,
        dryrun: bool = False,
        patience_s: float = PATIENCE_S,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = urllib.parse.urlsplit(url)
        self._headers = {"content-type": "application/json", **_bearer(api_key)}
        self._dryrun = dryrun
        self._patience_s = patience_s
        self._wait = wait
        self._connection: http.client.HTTPConnection | None = None

    def send(self, items: Sequence[bytes]) -> list[Taken]:
        """Send up to `BATCH` feedback, each as JSON; raises `StoreError` where the door stays shut.

        Raises `RequestError` where the credential is refused. What the door does not take as a body is halved until
        it is known which feedback it was.
        """
        found: dict[int, Taken] = {}
        waited_s, pause_s = 0.0, _FIRST_PAUSE_S
        while left := [number for number in range(len(items)) if number not in found]:
            before, asked_s = len(found), self._try(items, left, found)
            if len(found) > before:
                waited_s, pause_s = 0.0, _FIRST_PAUSE_S
            elif waited_s >= self._patience_s:
                message = f"{self._url.geturl()} has taken nothing for {waited_s:.0f} s; run the same command to go on"
                raise StoreError(message, code="door_shut")
            if len(found) < len(items):
                self._wait(min(max(asked_s, pause_s), _LONGEST_PAUSE_S))
                waited_s, pause_s = waited_s + max(asked_s, pause_s), 2 * pause_s
        return [found[number] for number in range(len(items))]

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _try(self, items: Sequence[bytes], numbers: Sequence[int], found: dict[int, Taken]) -> float:
        """One request; what was decided goes into `found`. Returns how long the door asks to wait."""
        own = b', "dryrun": true' if self._dryrun else b""
        try:
            status, retry_after, document = self._post(
                b'{"items": [%b]%b}' % (b", ".join(items[number] for number in numbers), own)
            )
        except (OSError, http.client.HTTPException):
            self.close()
            return 0.0
        if status in _BUSY:
            return retry_after
        if status in (401, 403, 404, 405):
            raise RequestError(_sentence(status, document), code="refused", status=status)
        if status >= 300:
            self._halve(items, numbers, found, _sentence(status, document))
            return 0.0
        for number, reply in zip(numbers, document["items"], strict=True):
            if (taken := _taken(reply)) is not None:
                found[number] = taken
        return retry_after

    def _halve(self, items: Sequence[bytes], numbers: Sequence[int], found: dict[int, Taken], reason: str) -> None:
        if len(numbers) == 1:
            found[numbers[0]] = Taken("", code="refused", reason=reason)
            return
        middle = len(numbers) // 2
        self._try(items, numbers[:middle], found)
        self._try(items, numbers[middle:], found)

    def _post(self, body: bytes) -> tuple[int, float, dict[str, Any]]:
        if self._connection is None:
            self._connection = _connection(self._url)
        self._connection.request("POST", f"{self._url.path.rstrip('/')}{FEEDBACK}", body, self._headers)
        answer = self._connection.getresponse()
        raw = answer.read()
        pause = answer.headers.get("retry-after", "")
        return answer.status, float(pause) if pause.isdigit() else 0.0, _object(raw)


def _connection(url: urllib.parse.SplitResult) -> http.client.HTTPConnection:
    if url.scheme not in ("http", "https") or not url.hostname:
        raise RequestError(f"{url.geturl()} is no http or https address", code="bad_url")
    make = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return make(url.hostname, url.port, timeout=_TIMEOUT_S)


def _bearer(api_key: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {api_key}"} if api_key else {}


def _taken(reply: Mapping[str, Any]) -> Taken | None:
    """What became of one of a batch; None where it is to come again."""
    error = reply.get("error")
    if error is None:
        return Taken(reply.get("feedback_id") or "", bool(reply.get("duplicate")))
    if error.get("type") == StoreError.kind:
        return None
    return Taken("", code=str(error.get("code")), reason=str(error.get("message")))


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _sentence(status: int, document: Mapping[str, Any]) -> str:
    error = document.get("error")
    return f"{status}: {error['message']}" if isinstance(error, dict) and "message" in error else f"status {status}"
