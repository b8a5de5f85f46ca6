"""OpenAI's fine-tuning API, as far as a trainer needs it.

In: files and jobs. Out: the service's JSON. The one rule: the key goes to the configured server alone; what may pass is
asked again by the caller, what cannot is a `TrainingFailedError` with the service's own words.
"""

import contextlib
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from backtalk.plugin import TrainingFailedError, open_directly

_LIMIT_BYTES: Final = 16 << 20
_BOUNDARY: Final = "backtalk-3c0f1b9e5d7a4862"
_AGAIN: Final = frozenset((408, 409, 425, 429))
_DETAIL_CHARS: Final = 300


class AwayError(Exception):
    """The service cannot answer now; it may later."""


class Service:
    """One service."""

    def __init__(self, base_url: str, key: str | None, timeout_s: float) -> None:
        self._url = base_url.rstrip("/")
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._timeout_s = timeout_s

    def upload(self, file: Path, name: str) -> str:
        """The id of an uploaded file of training lines."""
        parts = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = parts.encode() + file.read_bytes() + f"\r\n--{_BOUNDARY}--\r\n".encode()
        return str(self._send("POST", "/files", body, f"multipart/form-data; boundary={_BOUNDARY}")["id"])

    def create(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A new job."""
        return self._send("POST", "/fine_tuning/jobs", json.dumps(document).encode(), "application/json")

    def job(self, job_id: str) -> dict[str, Any]:
        """A job as it stands."""
        return self._send("GET", f"/fine_tuning/jobs/{urllib.parse.quote(job_id, safe='')}")

    def cancel(self, job_id: str) -> None:
        """Stop a job."""
        self._send("POST", f"/fine_tuning/jobs/{urllib.parse.quote(job_id, safe='')}/cancel", b"")

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """The latest events of a job, oldest first."""
        path = f"/fine_tuning/jobs/{urllib.parse.quote(job_id, safe='')}/events?limit=100"
        return list(reversed(self._send("GET", path)["data"]))

    def jobs(self) -> list[dict[str, Any]]:
        """The latest jobs."""
        return list(self._send("GET", "/fine_tuning/jobs?limit=100")["data"])

    def _send(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> dict[str, Any]:
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        request = urllib.request.Request(self._url + path, body, headers, method=method)  # noqa: S310 -- http and https, by the settings
        try:
            with open_directly(request, self._timeout_s) as answer:
                found: dict[str, Any] = json.loads(answer.read(_LIMIT_BYTES))
                return found
        except urllib.error.HTTPError as error:
            with error:
                raise _meant(error) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise AwayError(f"{type(error).__name__}: {error}") from error


def _meant(error: urllib.error.HTTPError) -> Exception:
    said = b""
    with contextlib.suppress(OSError, http.client.HTTPException):
        said = error.read(_LIMIT_BYTES)
    with contextlib.suppress(ValueError, LookupError, TypeError):
        said = str(json.loads(said)["error"]["message"]).encode()
    text = " ".join(said.decode("utf-8", "replace").split())[:_DETAIL_CHARS]
    if error.code in _AGAIN or error.code >= 500:
        return AwayError(f"{error.code} {text}")
    return TrainingFailedError(f"the service refused with {error.code}: {text}")
