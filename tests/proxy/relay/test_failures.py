"""How failures of the upstream are told: the right status, one stable code, and nothing that was not meant for us."""

import socket
import ssl

import pytest

from backtalk.errors import BacktalkError, RequestError, UpstreamError
from backtalk.relay import failures


def refused() -> OSError:
    """The error of a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OSError, match="refused") as caught:
        socket.create_connection(("127.0.0.1", port), timeout=5)
    return caught.value


def no_tls() -> ssl.SSLError:
    """The error of a handshake with a peer that does not speak TLS."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\nsk-secret")
        context = ssl.create_default_context()
        with pytest.raises(ssl.SSLError) as caught:
            context.wrap_socket(ours, server_hostname="localhost")
    return caught.value


@pytest.mark.parametrize(
    ("error", "status", "code", "says"),
    [
        (
            failures.unreachable("api.x:443", OSError()),
            502,
            "upstream_unreachable",
            "cannot reach the upstream api.x:443",
        ),
        (failures.connect_timeout("api.x:443", 2.5), 504, "upstream_timeout", "no connection within 2.5 s"),
        (failures.idle_timeout(300), 504, "upstream_timeout", "silent for 300 s"),
        (failures.total_timeout(3600), 504, "upstream_timeout", "not over after 3600 s"),
        (failures.cut(), 502, "upstream_cut", "before its response was complete"),
        (failures.malformed(), 502, "upstream_malformed", "not valid HTTP"),
        (failures.head_too_large(65536), 502, "upstream_malformed", "exceed 65536 bytes"),
        (failures.body_too_large(1 << 30), 413, "body_too_large", "at most 1073741824 bytes"),
        (failures.bad_path(), 400, "bad_path", "dot segments"),
    ],
)
def test_each_failure_has_its_status_code_and_sentence(error: BacktalkError, status: int, code: str, says: str) -> None:
    """504 is too slow, 502 is not there or no HTTP; what the client did wrong is the client's."""
    assert (error.status, error.code) == (status, code)
    assert says in error.message
    assert isinstance(error, RequestError) == (status < 500)


def test_only_our_limits_are_timeouts() -> None:
    """A call is recorded as `upstream_timeout` where a limit of ours passed, and nowhere else."""
    slow = (failures.connect_timeout("x", 1), failures.idle_timeout(1), failures.total_timeout(1))
    broken = (failures.cut(), failures.malformed(), failures.unreachable("x", refused()), failures.head_too_large(1))
    assert all(map(failures.is_timeout, slow))
    assert not any(map(failures.is_timeout, broken))


def test_what_the_system_said_is_repeated() -> None:
    """A person sees why there was no connection."""
    assert failures.unreachable("x:1", refused()).message == "cannot reach the upstream x:1: Connection refused"


def test_an_error_without_a_text_is_named_by_its_kind() -> None:
    """A sentence never ends with nothing."""
    assert failures.unreachable("x:1", ConnectionAbortedError()).message.endswith(": ConnectionAbortedError")


def test_tls_is_told_by_its_reason_alone() -> None:
    """The library's words name the place in its source and may hold the peer's bytes; the reason is one of its list."""
    error = failures.unreachable("x:443", no_tls())
    assert isinstance(error, UpstreamError)
    assert error.message == "TLS with the upstream x:443 failed: WRONG_VERSION_NUMBER"
    assert failures.unreachable("x:443", ssl.SSLError()).message.endswith("no handshake")
