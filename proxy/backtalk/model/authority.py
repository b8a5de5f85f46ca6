"""Whom a request means by its `Host`: the name in an authority, and whether that is this machine alone.

In: the value of a `Host` field, or an address to bind. Out: names. The one rule: what is no authority is nobody's name.
"""

import ipaddress
from collections.abc import Collection

from backtalk.errors import RequestError


def name_in(authority: str) -> str:
    """The host of `host[:port]`, in lower case, without brackets or a last dot; empty where there is none."""
    if authority.startswith("["):
        host, closed, port = authority[1:].partition("]")
        return host.lower() if closed and (not port or port.startswith(":")) else ""
    host, _, port = authority.partition(":")
    return "" if ":" in port else host.lower().removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own: `localhost` and below (RFC 6761), 127.0.0.0/8, ::1."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_host(authority: bytes, allowed: Collection[str]) -> None:
    """Raise a 403 where a listener on loopback is asked for by a name that is not allowed."""
    name = name_in(authority.decode("latin-1"))
    if not is_loopback(name) and name not in allowed:
        message = "this listener is on loopback and is asked for by another name; allow it in web.allowed_hosts"
        raise RequestError(message, code="host_not_allowed", status=403)
