"""Every way in which the upstream can fail, as the error that the client is told.

In: what went wrong on the way. Out: an `UpstreamError` with a stable code. The one rule: 502 where the upstream is not
there or does not speak HTTP, 504 where it is too slow; no text of the upstream's or of a header is repeated.
"""

import ssl
from collections.abc import Sequence

from backtalk.errors import RequestError, UpstreamError


def unreachable(name: str, error: OSError) -> UpstreamError:
    """No connection could be made."""
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or "no handshake"  # only OpenSSL's own errors have one
        return UpstreamError(f"TLS with the upstream {name} failed: {reason}", code=_UNREACHABLE)
    why = error.strerror or type(error).__name__
    return UpstreamError(f"cannot reach the upstream {name}: {why}", code=_UNREACHABLE)


def provider_unreachable() -> UpstreamError:
    """No connection could be made to a provider of litellm."""
    return UpstreamError("cannot reach the provider", code=_UNREACHABLE)


def connect_timeout(name: str, limit_s: float) -> UpstreamError:
    """The upstream did not take the connection in time."""
    return UpstreamError(f"the upstream {name} took no connection within {limit_s:g} s", code=_TIMEOUT, status=504)


def first_byte_timeout(limit_s: float) -> UpstreamError:
    """The target took too long to begin."""
    return UpstreamError(f"the upstream sent no response within {limit_s:g} s", code=_TIMEOUT, status=504)


def targets_busy(route: str) -> RequestError:
    """Every target of a route is at its limit of calls."""
    error = RequestError(
        f"every target of the route {route} has as many calls under way as it may", code="targets_busy", status=429
    )
    error.headers = ((b"retry-after", b"1"),)
    return error


def idle_timeout(limit_s: float) -> UpstreamError:
    """The upstream was silent for too long."""
    return UpstreamError(f"the upstream was silent for {limit_s:g} s", code=_TIMEOUT, status=504)


def total_timeout(limit_s: float) -> UpstreamError:
    """The call took too long as a whole."""
    return UpstreamError(f"the call was not over after {limit_s:g} s", code=_TIMEOUT, status=504)


def transfer_coding() -> UpstreamError:
    """The body comes in a coding that hops undo, and that we do not."""
    message = "the upstream sent its body in a transfer coding other than chunked"
    return UpstreamError(message, code="upstream_transfer_coding")


def cut() -> UpstreamError:
    """The connection ended before the response did."""
    return UpstreamError("the upstream closed the connection before its response was complete", code="upstream_cut")


def malformed() -> UpstreamError:
    """What came is not an HTTP response."""
    return UpstreamError("the upstream's response is not valid HTTP", code="upstream_malformed")


def head_too_large(limit_bytes: int) -> UpstreamError:
    """The response's head has no end."""
    return UpstreamError(f"the upstream's header fields exceed {limit_bytes} bytes", code="upstream_malformed")


def body_too_large(limit_bytes: int) -> RequestError:
    """The request's body is above the relay limit."""
    return RequestError(
        f"the request body is too large: at most {limit_bytes} bytes are allowed", code="body_too_large", status=413
    )


def bad_path() -> RequestError:
    """A path that climbs out of the upstream's base."""
    return RequestError("the path must begin with /v1 and not contain dot segments", code="bad_path")


def bad_method(allowed: Sequence[str]) -> RequestError:
    """A method that is none of the model API's."""
    return RequestError(f"the method must be one of {', '.join(allowed)}", code="method_not_allowed", status=405)


def bad_transfer_coding() -> RequestError:
    """A transfer coding that this connection does not know."""
    return RequestError("no transfer coding but chunked is supported", code="unsupported_encoding", status=501)


def is_timeout(error: UpstreamError) -> bool:
    """Whether a time limit of ours passed."""
    return error.code == _TIMEOUT


_UNREACHABLE = "upstream_unreachable"
_TIMEOUT = "upstream_timeout"
