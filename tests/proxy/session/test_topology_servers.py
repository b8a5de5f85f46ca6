"""A cluster and sentinels: slots that move, primaries that die, URLs that mislead."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from redis.exceptions import RedisError

from backtalk.model.meter import NoMeter
from backtalk.session.lookup import Lookup
from backtalk.session.lookup_connection import connect
from backtalk.session.redis_store import RedisSessionStore
from backtalk.session.store_connection import StoreConnection, command
from backtalk.session.topology import slot
from backtalk.testing import factories
from backtalk.testing.redis_servers import SLOTS, Cluster, ask, everywhere, running_cluster, running_sentinel
from backtalk.testing.sessions import SECRET, arrival, completion
from backtalk.testing.waiting import await_until, wait_until

BUDGET_S = 0.05
"""What a look-up may cost whoever waits for it (`feedback.lookup_ms`)."""
ANSWER = "The moon pulls at the water of the sea."
NAMES = [f"key-{number}".encode() for number in range(30)]


@pytest.fixture
def cluster(redis_binary: Path) -> Iterator[Cluster]:
    """A cluster whose first primary has a replica."""
    with running_cluster(redis_binary, replica=True) as running:
        yield running


def _store(url: str) -> RedisSessionStore:
    return RedisSessionStore(url, secret=SECRET, metrics=NoMeter(), timeout_ms=1_000)


def _talks(store: RedisSessionStore, user: str) -> bool:
    """Whether a call of this user and its continuation find each other."""
    first = factories.opened("Why tides?", end_user=user)
    store.arrive(arrival(first))
    store.complete(completion(factories.closed(first, ANSWER)))
    again = factories.opened("Why tides?", factories.assistant(ANSWER), "Thanks", at_s=9, end_user=user)
    return bool(store.arrive(arrival(again)).producers)


def test_conversations_of_many_users_spread_over_all_nodes(cluster_url: str) -> None:
    """Each on one node, all nodes used."""
    store = _store(cluster_url)
    assert all(_talks(store, f"user-{number}") for number in range(30))
    store.close()

    assert all(size > 30 for size in everywhere(cluster_url, "DBSIZE"))


def _move(cluster: Cluster, number: int) -> None:
    """Give an empty slot from its owner to the next node."""
    holders = [node for node in cluster.nodes if ask(node.url, "CLUSTER", "COUNTKEYSINSLOT", number) is not None]
    assert holders
    target = cluster.nodes[2]
    name = ask(target.url, "CLUSTER", "MYID").decode()
    for node in (target, *cluster.nodes[:2]):
        ask(node.url, "CLUSTER", "SETSLOT", number, "NODE", name)


def test_commands_follow_a_slot_that_has_moved(cluster: Cluster) -> None:
    """A stale map costs another round trip once, and no reply is out of place."""
    connection = StoreConnection(cluster.url, 1_000)
    connection.exchange([command("GET", name) for name in NAMES])
    _move(cluster, slot(NAMES[3]))
    written = [command("SET", name, place) for place, name in enumerate(NAMES)]
    replies = connection.exchange([*written, *(command("GET", name) for name in NAMES)])
    connection.close()

    assert replies[len(NAMES) :] == [str(place).encode() for place in range(len(NAMES))]


def test_commands_follow_a_slot_that_is_moving(cluster: Cluster) -> None:
    """What the old node has no more is asked of the new one, with leave."""
    old, new = cluster.nodes[0], cluster.nodes[2]
    name = next(name for name in NAMES if slot(name) < 16_384 // 3)
    ask(new.url, "CLUSTER", "SETSLOT", slot(name), "IMPORTING", ask(old.url, "CLUSTER", "MYID").decode())
    ask(old.url, "CLUSTER", "SETSLOT", slot(name), "MIGRATING", ask(new.url, "CLUSTER", "MYID").decode())
    connection = StoreConnection(cluster.url, 1_000)
    assert connection.exchange([command("SET", name, 1), command("GET", name)]) == [b"OK", b"1"]
    connection.close()


@pytest.mark.anyio
async def test_look_ups_follow_a_slot_that_has_moved(cluster: Cluster) -> None:
    """Nobody waits for the whole map: the node's own word is followed."""
    connection = connect(cluster.url, 1.0)
    await connection.open()
    await connection.send([("GET", name) for name in NAMES])
    _move(cluster, slot(NAMES[3]))
    replies = await connection.send([("SET", NAMES[3], "v"), ("GET", NAMES[3]), ("GET", NAMES[4])])
    await connection.aclose()

    assert replies == [b"OK", b"v", None]


def test_sessions_go_on_when_a_replica_takes_over(cluster: Cluster) -> None:
    """The cluster is away until then, and no longer."""
    store = _store(cluster.url)
    assert all(_talks(store, f"before-{number}") for number in range(9))
    cluster.nodes[0].kill()
    wait_until(lambda: all(_talks(store, f"after-{number}") for number in range(9)), timeout_s=20)
    store.close()


@pytest.mark.anyio
async def test_look_ups_go_on_when_a_replica_takes_over(cluster: Cluster) -> None:
    """The search runs beside those who ask, so 50 ms are enough for each."""
    connection = connect(cluster.url, 0.05)
    await connection.open()
    cluster.nodes[0].kill()

    async def works() -> bool:
        try:
            return len(await connection.send([("GET", name) for name in NAMES])) == len(NAMES)
        except OSError:
            return False

    await await_until(works, timeout_s=20)
    await connection.aclose()


@pytest.mark.anyio
async def test_a_node_that_hangs_costs_a_look_up_its_budget(cluster: Cluster) -> None:
    """Fifty milliseconds and no more, each time; when it goes on, so do the look-ups."""
    lookup = Lookup(cluster.url, budget_s=BUDGET_S)
    await lookup.warm()
    hung = cluster.nodes[1]
    name = next(name for name in NAMES if SLOTS // 3 <= slot(name) < 2 * SLOTS // 3)
    took_s: list[float] = []

    async def answers() -> bool:
        with contextlib.suppress(OSError):
            return await lookup.send([("GET", name)]) == [None]
        return False

    with hung.hanging():
        for _ in range(9):
            began_s = time.monotonic()
            assert not await answers()
            took_s.append(time.monotonic() - began_s)
    assert median(took_s) < 2 * BUDGET_S
    await await_until(answers, 40, what="an answer of the node that hung")
    await lookup.aclose()


@pytest.mark.anyio
async def test_sentinels_lead_to_the_next_primary(redis_binary: Path) -> None:
    """The worker's way and the proxies' both find it."""
    with running_sentinel(redis_binary) as (url, primary, _, _):
        store, connection = _store(url), connect(url, 0.05)
        await connection.open()
        assert _talks(store, "before")
        assert await connection.send([("SET", b"k", "v")]) == [b"OK"]
        primary.kill()

        async def works() -> bool:
            try:
                return await connection.send([("SET", b"k", "w")]) == [b"OK"]
            except OSError:
                return False

        await await_until(works, timeout_s=20)
        wait_until(lambda: _talks(store, "after"), timeout_s=20)
        await connection.aclose()
        store.close()


def test_a_node_that_is_taken_for_a_server_is_said(own_cluster: Cluster) -> None:
    """With what REDIS_URL must begin with."""
    connection = StoreConnection(own_cluster.nodes[0].url, 1_000)
    with pytest.raises((RedisError, OSError), match=r"redis\+cluster://"):
        connection.exchange([command("GET", name) for name in NAMES])


def test_a_server_that_is_taken_for_a_cluster_is_said(tmp_path: Path) -> None:
    """No node answers: the last one's reason is in the sentence."""
    del tmp_path
    with pytest.raises(OSError, match="no cluster answers"):
        StoreConnection("redis+cluster://127.0.0.1:1", 200).exchange([command("GET", b"a")])
