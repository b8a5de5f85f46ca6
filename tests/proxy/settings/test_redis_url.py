"""The forms of REDIS_URL, and what is said of one that has none."""

from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import connection

from backtalk.settings.redis_url import RedisAddress, parse_redis_url

redis_py = cast("Callable[[str], dict[str, str | int]]", connection.parse_url)  # pyright: ignore[reportUnknownMemberType]  # has no types


def test_one_server_is_its_own_address() -> None:
    """Over TCP, TLS or a socket, with what redis-py makes of the options."""
    (tls,) = parse_redis_url("rediss://u:p%40w@h:1/3?ssl_cert_reqs=none").seeds
    said = redis_py(tls)

    assert (said["host"], said["port"], said["db"], said["password"]) == ("h", 1, 3, "p@w")
    assert parse_redis_url("redis://h").seeds == ("redis://h:6379",)
    assert parse_redis_url("unix:///run/v.sock?db=1").seeds == ("unix:///run/v.sock?db=1",)


def test_nodes_of_a_cluster_get_what_the_url_says_of_all() -> None:
    """User, password and TLS hold for the nodes that are named and for those that they name."""
    address = parse_redis_url("rediss+cluster://u:pw@a,[::1]:7000")

    assert address.kind == "cluster"
    assert address.seeds == ("rediss://u:pw@a:6379", "rediss://u:pw@[::1]:7000")
    assert address.server("fe80::2", 7001) == "rediss://u:pw@[fe80::2]:7001"


def test_sentinels_and_their_primary_have_credentials_of_their_own() -> None:
    """What stands before the @ is the primary's; sentinels are told what the query has for them."""
    address = parse_redis_url("redis+sentinel://u:pw@a,b:5/main/2?sentinel_password=s%20p")

    assert (address.kind, address.service) == ("sentinel", "main")
    assert address.seeds == ("redis://:s%20p@a:26379", "redis://:s%20p@b:5")
    assert address.server("h", 7) == "redis://u:pw@h:7/2"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://u:secret@h", "must be like redis://"),
        ("localhost:6379", "must be like redis://"),
        ("unix://v.sock", "must be like redis://"),
        ("redis://", "host or host:port"),
        ("redis://h:99999", "host or host:port"),
        ("redis://:secret/word@h", "%2F for /"),
        ("redis://u:secret#@h", "%23"),
        ("redis://a,b", "redis+cluster:// or redis+sentinel://"),
        ("redis://h/main", "a database's number"),
        ("redis+cluster://h/1", "a cluster has one, 0"),
        ("redis+sentinel://h", "must name the service"),
        ("redis://h?decode_responses=1", "no option decode_responses"),
        ("redis://h?db=one", "a number"),
        ("redis://h?ssl_cert_reqs=none", "no option ssl_cert_reqs"),
        ("rediss://h?ssl_cert_reqs=no", "none, optional or required"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused_without_its_secret(url: str, said: str) -> None:
    """Each mistake has its sentence."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_redis_url(url)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60), st.sampled_from(["redis://", "redis+cluster://", "redis+sentinel://", "unix://", ""]))
def test_any_text_is_an_address_or_a_value_error(text: str, scheme: str) -> None:
    """Nothing else is ever raised, and what is an address is one for redis-py too."""
    try:
        address = parse_redis_url(scheme + text)
    except ValueError:
        return
    assert isinstance(address, RedisAddress)
    assert all(redis_py(seed) is not None for seed in address.seeds)
