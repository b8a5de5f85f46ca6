"""ASGI's types, named once.

In and out: what every ASGI server and app exchange (https://asgi.readthedocs.io). Values of an event are of any type.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
"""An ASGI scope."""
Message = MutableMapping[str, Any]
"""An ASGI event."""
Receive = Callable[[], Awaitable[Message]]
"""How an app gets events."""
Send = Callable[[Message], Awaitable[None]]
"""How an app sends events."""
App = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""
