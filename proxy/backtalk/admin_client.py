"""What the command line asks of a running Backtalk, over plain HTTP on this machine.

Settings or a URL go in, parsed JSON comes out; a refusal becomes one `BacktalkError` with the server's own sentence.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from backtalk.direct_http import open_directly
from backtalk.errors import RequestError, SetupError, StoreError
from backtalk.listeners import addresses_of
from backtalk.settings import Settings

_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class AdminClient:
    """Reads from the admin listener with its bearer token."""

    url: str
    token: str

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Find listener and token of the Backtalk that runs with these settings; `SetupError` if there is no token."""
        url = addresses_of(settings).admin
        if settings.admin_token is not None:
            return cls(url, settings.admin_token.get_secret_value())
        try:
            return cls(url, (settings.data_dir / "admin-token").read_text(encoding="ascii").strip())
        except OSError as error:
            message = f"no admin token in {settings.data_dir}: start `backtalk serve` there, or give --data-dir"
            raise SetupError(message, code="no_admin_token") from error

    def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """Read one document."""
        asked = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        headers = {"authorization": f"Bearer {self.token}"}
        return _ask(urllib.request.Request(f"{self.url}{path}?{asked}".rstrip("?"), headers=headers))  # noqa: S310

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send one document; what it is answered with."""
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        data = json.dumps(body).encode()
        return _ask(urllib.request.Request(f"{self.url}{path}", data=data, headers=headers))  # noqa: S310


def send_feedback(url: str, api_key: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
    """Send one feedback to the public listener; what it is answered with."""
    return _ask(_public(f"{url.rstrip('/')}/v1/feedback", api_key, json.dumps(body).encode()))


def retract_feedback(url: str, api_key: str | None, feedback_id: str) -> dict[str, Any]:
    """Take one feedback back; it stays in the history and counts no more."""
    path = f"/v1/feedback/{urllib.parse.quote(feedback_id, safe='')}"
    return _ask(_public(f"{url.rstrip('/')}{path}", api_key, method="DELETE"))


def _public(url: str, api_key: str | None, data: bytes | None = None, method: str = "POST") -> urllib.request.Request:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {api_key}"} if api_key else {})
    return urllib.request.Request(url, data, headers, method=method)  # noqa: S310 -- the person names the address


def _ask(request: urllib.request.Request) -> dict[str, Any]:
    try:
        with open_directly(request, _TIMEOUT_S) as answer:
            document: dict[str, Any] = json.load(answer)
            return document
    except urllib.error.HTTPError as error:
        raise RequestError(_sentence(error), code="refused", status=error.code) from error
    except (urllib.error.URLError, OSError) as error:
        message = f"nothing answers at {request.full_url}: is `backtalk serve` running? ({error})"
        raise StoreError(message, code="not_running") from error


def _sentence(error: urllib.error.HTTPError) -> str:
    try:
        with error:
            return f"{error.code}: {json.load(error)['error']['message']}"
    except (ValueError, KeyError, TypeError):
        return f"{error.code}: {error.reason}"
