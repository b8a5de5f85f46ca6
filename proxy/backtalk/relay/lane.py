"""The port of a lane: an ASGI app that answers a call by one attempt at one place.

A lane raises a `BacktalkError` where no head has been sent, and says in the call's notes how the call ended where one
has. Whoever sends it elsewhere may raise out of `send`: the lane lets go of everything and lets the exception pass.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
"""An ASGI scope."""
Message = MutableMapping[str, Any]
"""An ASGI event."""
Receive = Callable[[], Awaitable[Message]]
"""How the client's events come."""
Send = Callable[[Message], Awaitable[None]]
"""How events go to the client."""
Lane = Callable[[Scope, Receive, Send], Awaitable[None]]
"""Sends a call to one place and passes its answer."""
