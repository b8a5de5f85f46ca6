"""Credentials in bodies: an app may send keys along for the tools of others (MCP servers, providers' own parameters).

In: a part of a request's body that is kept. Out: its JSON, with a word in place of each credential. Told by the field's
name, and only where the value is a text: the definition of a tool may well have a parameter called `password`.
"""

import re
from typing import Any, Final

from backtalk.observe.lenient_json import canonical, is_array, is_object

REDACTED: Final = "[redacted]"
_NAMES: Final = frozenset(
    {"access_token", "api-key", "api_key", "apikey", "authorization", "authorization_token", "bearer_token"}
    | {"client_secret", "password", "secret", "token", "x-api-key"}
)
_HEADERS: Final = "headers"
_SERVER: Final = frozenset({"server_url", "server_label", "url", "connector_id"})
"""What tells an object that speaks of a server, whose `headers` may hold anything."""
_MARK: Final = re.compile(f'"(?:{"|".join(sorted(_NAMES | {_HEADERS}))})":', re.IGNORECASE)


def kept(value: Any) -> str:
    """One text for one JSON value, without its credentials."""
    text = canonical(value)
    return canonical(_without(value)) if _MARK.search(text) else text


def _without(value: Any) -> Any:
    if is_array(value):
        return [_without(item) for item in value]
    if not is_object(value):
        return value
    server = not _SERVER.isdisjoint(value)
    return {key: _field(key.lower(), item, server=server) for key, item in value.items()}


def _field(name: str, value: Any, *, server: bool) -> Any:
    if isinstance(value, str) and name in _NAMES:
        return REDACTED
    if name == _HEADERS and server and is_object(value):
        return dict.fromkeys(value, REDACTED)
    return _without(value)
