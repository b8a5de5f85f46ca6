"""Which server holds a key: slots as every cluster counts them, and answers that name nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from backtalk.model.ids import SpanId
from backtalk.session import keys
from backtalk.session.topology import SLOTS, answered, fixed, question, slot
from backtalk.settings.redis_url import parse_redis_url

CLUSTER = parse_redis_url("redis+cluster://:pw@seed:7000")
SENTINEL = parse_redis_url("redis+sentinel://:pw@seed/main")


@given(st.binary(max_size=40) | st.lists(st.sampled_from([b"{", b"}", b"a", b"bc"]), max_size=9).map(b"".join))
def test_a_key_lies_where_redis_py_says(key: bytes) -> None:
    """Also with braces that are empty, open or nested."""
    assert slot(key) == key_slot(key)


def test_all_keys_of_a_scope_share_a_slot_and_scopes_do_not() -> None:
    """What one script touches lies on one node; conversations of many users spread over all."""
    scopes = [bytes([number, 1, 2, 3, 4, 5]) * 2 for number in range(200)]
    tags = (keys.FRONTIER, keys.ANSWER, keys.REQUEST, keys.CHILDREN, keys.SAID, keys.RECENT)
    for scope in scopes:
        names = [keys.scoped(tag, scope, b"digest") for tag in tags]
        assert len({slot(name) for name in [*names, keys.call(scope, SpanId("00f067aa0ba902b7"))]}) == 1
    assert len({slot(keys.call_prefix(scope)) for scope in scopes}) > 150


def test_a_single_server_holds_every_key() -> None:
    """Nobody is asked, and nothing is counted."""
    topology = fixed(parse_redis_url("redis://h"))

    assert topology is not None
    assert topology.split([b"a", b"b"]) == {"redis://h:6379": range(2)}


def test_nodes_own_ranges_of_slots() -> None:
    """A node that does not know its own name is where it was asked; credentials come from the URL."""
    half = SLOTS // 2
    reply = [[0, half - 1, [b"", 7000, b"id"]], [half, SLOTS - 1, [b"other", 7001, b"id"], [b"replica", 7002, b"id"]]]
    topology = answered(CLUSTER, CLUSTER.seeds[0], reply)

    assert topology.servers == ("redis://:pw@seed:7000", "redis://:pw@other:7001")
    assert topology.split([b"a", b"b", b"c"]) == {"redis://:pw@other:7001": [0], "redis://:pw@seed:7000": [1, 2]}


def test_sentinels_name_the_primary() -> None:
    """By the service of the URL."""
    topology = answered(SENTINEL, SENTINEL.seeds[0], [b"10.0.0.2", b"6380"])

    assert question(SENTINEL)[-1] == "main"
    assert topology.servers == ("redis://:pw@10.0.0.2:6380",)


@pytest.mark.parametrize("address", [CLUSTER, SENTINEL])
def test_an_answer_that_names_nobody_is_said(address: object) -> None:
    """With the place that was asked, and without its password."""
    assert address in (CLUSTER, SENTINEL)
    chosen = CLUSTER if address == CLUSTER else SENTINEL
    with pytest.raises(ConnectionError, match="seed") as caught:
        answered(chosen, chosen.seeds[0], None)
    assert "pw" not in str(caught.value)


def test_a_slot_that_nobody_serves_is_an_error() -> None:
    """The rest of the cluster is still known."""
    topology = answered(CLUSTER, CLUSTER.seeds[0], [[0, 9, [b"h", 7000]]])
    with pytest.raises(ConnectionError, match="slot"):
        topology.owner(b"a")
