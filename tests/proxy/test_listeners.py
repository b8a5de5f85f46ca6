"""The listeners: both are bound or none, and what cannot be bound is said with the option that chooses another."""

import re
import socket
from pathlib import Path

import pytest

from backtalk.errors import SetupError
from backtalk.listeners import ADDRESSES, Addresses, Listeners, addresses_of, announced, bind, url_of
from backtalk.settings import Settings


def test_port_0_is_any_that_is_free(tmp_path: Path) -> None:
    """Both listen as soon as they are made, and no more behind the block."""
    with Listeners(Settings(port=0, admin_port=0, data_dir=tmp_path)) as listeners:
        ports = {listeners.public.getsockname()[1], listeners.admin.getsockname()[1]}
        assert len(ports) == 2
        for port in ports:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
    for port in ports:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=5)


@pytest.mark.parametrize(("taken_by", "option"), [("port", "--port"), ("admin_port", "--admin-port")])
def test_a_port_in_use_is_said_with_its_option(tmp_path: Path, taken_by: str, option: str) -> None:
    """The error names the address too, and the other listener is let go."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings.model_validate({"port": 0, "admin_port": 0, "data_dir": tmp_path, taken_by: port})
        with pytest.raises(SetupError, match=f"127.0.0.1:{port}.* {option}$") as caught:
            Listeners(settings)
    assert caught.value.code == "bad_port"


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    """No interface, no host: one sentence each."""
    with pytest.raises(SetupError, match=re.escape(f"cannot listen on {host}:0: ")):
        bind(host, 0, "port")


def test_addresses_are_written_as_urls() -> None:
    """Also those of IPv6."""
    with bind("127.0.0.1", 0, "port") as listener:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url_of(listener))
    if socket.has_ipv6:
        with bind("::1", 0, "port") as listener:
            assert url_of(listener).startswith("http://[::1]:")


def test_the_data_directory_tells_where_its_backtalk_listens(tmp_path: Path) -> None:
    """Any port that was free is found by who knows the directory, for as long as it is listened on."""
    usual = Settings(data_dir=tmp_path)
    with Listeners(Settings(port=0, admin_port=0, data_dir=tmp_path)) as listeners:
        with announced(listeners.addresses, usual):
            assert addresses_of(usual) == Addresses(url_of(listeners.public), url_of(listeners.admin))
            assert (tmp_path / ADDRESSES).stat().st_mode & 0o077 == 0
        assert addresses_of(usual) == Addresses("http://127.0.0.1:8080", "http://127.0.0.1:8081")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"public": 1}', "\x00"])
def test_a_damaged_announcement_counts_as_none(tmp_path: Path, content: str) -> None:
    """Then the settings say where to look, IPv6 in brackets."""
    (tmp_path / ADDRESSES).write_text(content, encoding="utf-8")
    settings = Settings(host="::1", port=1, admin_host="::1", admin_port=2, data_dir=tmp_path)
    assert addresses_of(settings) == Addresses("http://[::1]:1", "http://[::1]:2")
