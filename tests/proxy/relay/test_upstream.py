"""Where the upstream is."""

import pytest

from backtalk.errors import SetupError
from backtalk.relay.upstream import parse_target


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "base", "authority"),
    [
        ("http://localhost:8000/v1", "localhost", 8000, False, b"/v1", b"localhost:8000"),
        ("http://localhost:8000", "localhost", 8000, False, b"/v1", b"localhost:8000"),
        ("https://api.openai.com/v1", "api.openai.com", 443, True, b"/v1", b"api.openai.com"),
        ("https://host/team/openai/v1/", "host", 443, True, b"/team/openai/v1", b"host"),
        ("http://[::1]:9/v1", "::1", 9, False, b"/v1", b"[::1]:9"),
        ("https://bücher.example", "xn--bcher-kva.example", 443, True, b"/v1", b"xn--bcher-kva.example"),
    ],
)
def test_a_base_url_is_read_as_a_client_would(
    url: str, host: str, port: int, tls: bool, base: bytes, authority: bytes
) -> None:
    """The path stands for our /v1; a bare host means its /v1."""
    target = parse_target(url)
    assert target == (host, port, tls, base)
    assert target.authority == authority


@pytest.mark.parametrize(
    "url",
    ["", "host", "ftp://host", "http://", "http://host:x", "http://u:p@host/v1", "http://host/v1?key=1", "http://[x/"],
)
def test_what_cannot_be_an_upstream_is_said(url: str) -> None:
    """The error comes at start."""
    with pytest.raises(SetupError):
        parse_target(url)
