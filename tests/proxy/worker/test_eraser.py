"""The eraser's steps: each is done once it is written down, and what fails is tried again."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from backtalk.datasets import erasing as dataset_erasing
from backtalk.errors import StoreError
from backtalk.ledger.erasing import Erasure
from backtalk.ledger.erasing import Order as LedgerOrder
from backtalk.model.erased import Erased
from backtalk.model.facts import Fact
from backtalk.model.meter import NoMeter
from backtalk.spool import erasures
from backtalk.spool.commit import CUT
from backtalk.spool.rewriting import Change
from backtalk.worker.eraser import Eraser
from backtalk.worker.erasure_places import DatasetsErased, Places
from backtalk.worker.tombstones import Tombstones

SECRET = b"s" * 32
FOUND = Erasure(
    {"calls": 1, "messages": 2, "feedback": 0}, ("0" * 16,), ("a" * 32,), ("5e55",), ("r1",), fact_ids=("f1",)
)

TUNED = erasures.Trained("r1", "tune", "training", "/models/tune")
ALL = ["ledger Alice", "journal", "reread", "redis", "log", "builds", "datasets"]


class Everything:
    """Journal, tables and Redis in one, which say what they were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.facts: list[Fact] = []
        self.committed = 0
        self.blanked: frozenset[str] = frozenset()
        self.failing: set[str] = set()
        self.building: frozenset[str] = frozenset()

    def record(self, fact: Fact) -> int:
        """Take a tombstone; its end is at 100."""
        self.facts.append(fact)
        return 100

    def rewrite(self, change: Change) -> int:
        """One entry is changed."""
        del change
        self._note("journal")
        return 1

    def release(self) -> None:
        """Nothing is held."""

    def erase(self, order: LedgerOrder) -> "Future[Erasure]":
        """Find a call."""
        self._note(f"ledger {order.subject}")
        done: Future[Erasure] = Future()
        done.set_result(FOUND)
        return done

    def blank(self, span_ids: frozenset[str]) -> int:
        """Remember for whom."""
        self._note("redis")
        self.blanked = span_ids
        return len(span_ids)

    def rewrite_log(self) -> None:
        """Begin."""
        self._note("log")

    def log_is_rewritten(self) -> bool:
        """At once."""
        return True

    def reread(self) -> None:
        """Begin."""
        self._note("reread")

    @property
    def has_reread(self) -> bool:
        """Where the exporter does not hang."""
        return "hangs" not in self.failing

    def builds(self) -> frozenset[str]:
        """Those that are under way."""
        self.asked += [] if "builds" in self.asked else ["builds"]
        return self.building

    def all(self) -> Places:
        """As the eraser takes them."""
        return Places(self, self.rewrite, self, self, [self], self.builds, self.datasets)

    def datasets(self, order: erasures.Order) -> "Future[DatasetsErased]":
        """One has lost two rows; one was out of reach."""
        done: Future[DatasetsErased] = Future()
        if order.fact_ids == FOUND.fact_ids and order.span_ids == FOUND.span_ids:
            self.asked.append("datasets")
            done.set_result(dataset_erasing.Erased(1, 2, ("/else/where.jsonl",), (TUNED,)))
        return done

    def _note(self, what: str) -> None:
        if what in self.failing:
            self.failing.discard(what)
            raise StoreError(f"no {what}", code="away")
        self.asked.append(what)


def named(name: str, tenant: str) -> str:
    """A rater's name in a tenant."""
    return f"{tenant}-{name}"


def order(data_dir: Path) -> erasures.Order:
    """An order about Alice."""
    return erasures.ask(data_dir, SECRET, by="user", subject="Alice", actor="me", reason="asked for")


def eraser_on(data_dir: Path, places: Everything) -> Eraser:
    """A life of the worker."""
    stones = Tombstones(SECRET, erasures.load(data_dir))
    return Eraser(
        data_dir,
        stones,
        places.all(),
        NoMeter(),
        pseudonym=named,
        pause_s=0,
    )


def until_done(data_dir: Path, tend: Callable[[], None]) -> erasures.Order:
    """Tend until the order is done; more steps than there are would say that it never is."""
    for _ in range(30):
        tend()
        (found,) = erasures.load(data_dir)
        if found.done_ns is not None:
            return found
    raise TimeoutError("the order is never done")


def test_the_steps_come_in_their_order_and_the_name_goes_last(tmp_path: Path) -> None:
    """The tombstone first; the tables only once they hold all that came before it."""
    places, asked = Everything(), order(tmp_path)
    (tmp_path / "spool").mkdir()
    eraser = eraser_on(tmp_path, places)
    for _ in range(5):
        eraser.tend()
    assert [fact.erasure_id for fact in places.facts if isinstance(fact, Erased)] == [asked.id]
    assert places.asked == []
    assert erasures.load(tmp_path)[0].subject == "Alice"

    places.committed = 100
    done = until_done(tmp_path, eraser.tend)

    assert places.asked == ALL
    assert places.blanked == frozenset(FOUND.span_ids)
    assert (done.subject, done.done["calls"], done.trace_ids) == ("", 1, FOUND.trace_ids)
    assert (done.done["datasets"], done.done["dataset_rows"], done.not_reached) == (1, 2, ("/else/where.jsonl",))
    assert done.trained == (TUNED,)
    assert (tmp_path / "spool" / CUT).exists()
    assert "Alice" not in next((tmp_path / "erasures").iterdir()).read_text()


def test_a_new_life_goes_on_with_the_step_that_was_not_written_down(tmp_path: Path) -> None:
    """One tombstone, and nothing that is done is done again."""
    places = Everything()
    places.committed = 100
    order(tmp_path)
    (tmp_path / "spool").mkdir()
    done = None
    for _ in range(30):
        eraser = eraser_on(tmp_path, places)
        eraser.tend()
        eraser.tend()
        done = erasures.load(tmp_path)[0].done_ns
        if done:
            break
    assert done
    assert len(places.facts) == 1
    assert places.asked.count("journal") == 1


def test_what_fails_is_tried_again(tmp_path: Path) -> None:
    """After a pause, from the step that failed."""
    places = Everything()
    places.committed, places.failing = 100, {"journal", "redis", "ledger Alice"}
    order(tmp_path)
    (tmp_path / "spool").mkdir()
    until_done(tmp_path, eraser_on(tmp_path, places).tend)
    assert places.asked == ALL


def test_a_spool_is_waited_for(tmp_path: Path) -> None:
    """Until every segment is gone that was there when new ones were asked for."""
    segment = tmp_path / "spool" / "owner" / f"{0:020d}.seg"
    segment.parent.mkdir(parents=True)
    segment.write_bytes(b"raw")
    places = Everything()
    places.committed = 100
    order(tmp_path)
    eraser = eraser_on(tmp_path, places)
    with pytest.raises(TimeoutError):
        until_done(tmp_path, eraser.tend)
    segment.unlink()
    until_done(tmp_path, eraser.tend)


def test_an_exporter_that_hangs_is_waited_for(tmp_path: Path) -> None:
    """What it has in its hands may be somebody's texts; it is asked once."""
    places = Everything()
    places.committed, places.failing = 100, {"hangs"}
    order(tmp_path)
    (tmp_path / "spool").mkdir()
    eraser = eraser_on(tmp_path, places)
    with pytest.raises(TimeoutError):
        until_done(tmp_path, eraser.tend)
    places.failing.clear()
    until_done(tmp_path, eraser.tend)
    assert places.asked == ALL


def test_builds_that_began_before_are_waited_for_and_later_ones_are_not(tmp_path: Path) -> None:
    """Those read texts that are gone by now; these read none."""
    places = Everything()
    places.committed, places.building = 100, frozenset({"old"})
    order(tmp_path)
    (tmp_path / "spool").mkdir()
    eraser = eraser_on(tmp_path, places)
    with pytest.raises(TimeoutError):
        until_done(tmp_path, eraser.tend)
    assert "datasets" not in places.asked
    places.building = frozenset({"new"})
    until_done(tmp_path, eraser.tend)


def test_calls_that_came_late_are_blanked_in_redis_too(tmp_path: Path) -> None:
    """They had been compared before their session was known."""
    places, stones = Everything(), Tombstones(SECRET, [])
    eraser = Eraser(tmp_path, stones, places.all(), NoMeter(), pseudonym=named)
    stones.late.add("1" * 16)
    eraser.tend()
    assert places.blanked == frozenset({"1" * 16})
    assert stones.late == set()


def test_what_waits_in_memory_is_forgotten_once_for_each_order(tmp_path: Path) -> None:
    """Before anything else, and not again at every step while nothing is known."""
    places, forgotten = Everything(), list[int]()
    eraser = Eraser(
        tmp_path,
        Tombstones(SECRET, []),
        places.all(),
        NoMeter(),
        pseudonym=named,
        forget=lambda: forgotten.append(len(forgotten)),
    )
    eraser.tend()
    assert forgotten == []
    order(tmp_path)
    eraser.tend()
    eraser.tend()
    assert forgotten == [0]


def test_what_was_asked_meanwhile_is_forgotten_when_redis_has_nothing_any_more(tmp_path: Path) -> None:
    """A view of the conversation had the texts until then."""
    places, forgotten = Everything(), list[list[str]]()
    places.committed = 100
    (tmp_path / "spool").mkdir()
    stones, asked = Tombstones(SECRET, []), places.asked
    eraser = Eraser(
        tmp_path, stones, places.all(), NoMeter(), pseudonym=named, forget=lambda: forgotten.append(asked[-1:])
    )
    order(tmp_path)
    until_done(tmp_path, eraser.tend)
    assert forgotten == [[], ["redis"]]
