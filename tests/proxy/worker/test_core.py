"""The core decides each frame once, over restarts and the death of proxies."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

from backtalk import clock
from backtalk.feedback.given import feedback_given
from backtalk.model import frames
from backtalk.model.facts import (
    CallClosed,
    CallOpened,
    Fact,
    FeedbackGiven,
    JournalEntry,
    SessionLinked,
    decode_entry,
    encode_entry,
)
from backtalk.model.frames import Opened, Part
from backtalk.observe.open_calls import OpenCalls
from backtalk.settings import JournalSettings, Settings, SpoolSettings
from backtalk.spool import Journal, Spool, Tail
from backtalk.spool.intake import FINISHED
from backtalk.telemetry import Metrics
from backtalk.testing.frames import closed, conversation, in_order, opened, rating, span_of, write_spool
from backtalk.worker import Core
from backtalk.worker.decider import Decider


class NewSessions:
    """A desk that puts every call into a session of its own; the arrivals named in `slow` wait for their end."""

    def __init__(self, slow: Iterable[str] = ()) -> None:
        self.restored: list[tuple[str, bool]] = []
        self.missed: dict[str, SessionLinked] = {}
        self.lag_s = -1.0
        self._slow = set(slow)
        self._waiting: set[str] = set()

    def opened(self, fact: CallOpened) -> list[Fact]:
        """Link at once, or let it wait."""
        if fact.span_id in self._slow:
            self._waiting.add(fact.span_id)
            return []
        return [self._link(fact)]

    def closed(self, fact: CallClosed) -> tuple[CallClosed, list[Fact]]:
        """Link what has waited."""
        if fact.opened.span_id in self._waiting:
            self._waiting.discard(fact.opened.span_id)
            return fact, [self._link(fact.opened)]
        return fact, []

    def note_lag(self, lag_s: float) -> None:
        """Remember it."""
        self.lag_s = lag_s

    def advance(self, boot_ns: int) -> list[Fact]:
        """Nothing passes by itself."""
        del boot_ns
        return []

    def restore(self, opened: CallOpened, linked: SessionLinked | None) -> None:
        """Know a call again."""
        self.restored.append((opened.span_id, linked is not None))
        if linked is None:
            self._waiting.add(opened.span_id)

    def restore_missed(self, opened: CallOpened, linked: SessionLinked) -> None:
        """Know a call again that had ended."""
        self.missed[opened.span_id] = linked

    def awaits_parent(self, span_id: str) -> bool:
        """Whether it has such a call."""
        return span_id in self.missed

    def flush(self) -> None:
        """Nothing waits."""

    @staticmethod
    def _link(fact: CallOpened) -> SessionLinked:
        return SessionLinked(fact.trace_id, fact.span_id, f"s-{fact.span_id}", "new", 1.0, fact.opened_ns)


class FailingDesk(NewSessions):
    """A desk whose every answer is an exception."""

    def opened(self, fact: CallOpened) -> list[Fact]:
        """Fail."""
        raise RuntimeError(fact.span_id)

    def closed(self, fact: CallClosed) -> tuple[CallClosed, list[Fact]]:
        """Fail."""
        raise RuntimeError(fact.opened.span_id)


def _core(data_dir: Path, desk: NewSessions) -> Core:
    settings = Settings(data_dir=data_dir)
    metrics = Metrics("worker")
    journal = Journal.open(data_dir / "journal", JournalSettings(), metrics=metrics)
    decider = Decider(OpenCalls("x-session-id", metrics), desk, feedback_given, metrics)
    return Core(settings, journal, decider, metrics, threading.Event())


def _run_dry(core: Core) -> None:
    """Step until the spools are empty and their owners are gone."""
    deadline_ns = clock.monotonic_ns() + 20 * clock.NS_PER_S
    while core.step() or core.owners:
        assert clock.monotonic_ns() < deadline_ns, "the spools were not consumed"


def _facts(data_dir: Path) -> list[Fact]:
    with Tail(data_dir / "journal") as tail:
        return [fact for record in _records(tail) for fact in decode_entry(record).facts]


def _records(tail: Tail) -> Iterator[bytes]:
    while records := tail.read():
        yield from (record.payload for record in records)


def _names(facts: Iterable[Fact]) -> list[str]:
    return sorted(f"{type(fact).__name__} {_id(fact)}" for fact in facts)


def _id(fact: Fact) -> str:
    if isinstance(fact, CallClosed):
        return f"{fact.opened.span_id} {fact.outcome}"
    if isinstance(fact, FeedbackGiven):
        return fact.feedback_id
    assert isinstance(fact, CallOpened | SessionLinked)
    return fact.span_id


def test_every_frame_becomes_its_facts(tmp_path: Path) -> None:
    """Calls with their texts at the end only, links, feedback; the spool is deleted and the journal says finished."""
    write_spool(tmp_path / "spool", [*conversation(1, 1, at_ns=1), rating(1000, 10**9)])
    core = _core(tmp_path, NewSessions())
    _run_dry(core)
    core.close()
    announced, linked, ended, given = _facts(tmp_path)
    assert isinstance(announced, CallOpened)
    assert (announced.request.model, announced.request.messages) == ("m", ())
    assert isinstance(linked, SessionLinked)
    assert isinstance(ended, CallClosed)
    assert [message.role for message in ended.opened.request.messages] == ["system", "user"]
    assert ended.response.text.startswith("answer1-0-0-0")
    assert (ended.upstream_request_id, ended.opened.user_agent) == ("up-1000", "openai-python")
    assert isinstance(given, FeedbackGiven)
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_body_in_pieces_is_announced_when_it_is_there(tmp_path: Path) -> None:
    """The same facts as for a body in one piece."""
    write_spool(tmp_path / "spool", conversation(1, 2, at_ns=1, pieces=True))
    core = _core(tmp_path, NewSessions())
    _run_dry(core)
    core.close()
    first = _facts(tmp_path)[0]
    assert isinstance(first, CallOpened)
    assert first.request.model == "m"


def test_calls_of_a_dead_proxy_are_interrupted(tmp_path: Path) -> None:
    """One whose body had come, and one that was still sending it; both have a beginning and an end."""
    head = opened(2, 20, [], pieces=True)[0]
    write_spool(tmp_path / "spool", [*opened(1, 10, [{"role": "user", "content": "hi"}]), head])
    core = _core(tmp_path, NewSessions())
    _run_dry(core)
    core.close()
    ends = [fact for fact in _facts(tmp_path) if isinstance(fact, CallClosed)]
    assert [(end.opened.span_id, end.outcome, end.status) for end in ends] == [
        (span_of(1), "interrupted", 0),
        (span_of(2), "interrupted", 0),
    ]
    assert sum(isinstance(fact, CallOpened) for fact in _facts(tmp_path)) == 2


def test_a_failing_desk_costs_no_call(tmp_path: Path) -> None:
    """Calls are facts whether or not their session can be told."""
    write_spool(tmp_path / "spool", conversation(1, 3, at_ns=1))
    core = _core(tmp_path, FailingDesk())
    _run_dry(core)
    core.close()
    assert sum(isinstance(fact, CallClosed) for fact in _facts(tmp_path)) == 4


def test_an_end_without_a_beginning_is_left_out(tmp_path: Path) -> None:
    """A spool that was full may have dropped the opening; the end alone tells nothing that can be kept."""
    write_spool(tmp_path / "spool", [closed(7, 1, "x"), *conversation(1, 1, at_ns=10)])
    core = _core(tmp_path, NewSessions())
    _run_dry(core)
    core.close()
    assert len(_facts(tmp_path)) == 3


@pytest.mark.parametrize("steps", range(6))
def test_a_restart_at_any_step_doubles_and_loses_nothing(tmp_path: Path, steps: int) -> None:
    """A core that is abandoned as by a kill, its batch unwritten, and a new one on the same directory."""
    frames_ = in_order([conversation(name, 40, at_ns=name, pieces=name == 2) for name in (1, 2, 3)])
    slow = [span_of(1000 + number) for number in range(0, 30, 3)]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for data_dir in (whole, killed):
        write_spool(data_dir / "spool", frames_, segment_bytes=20_000)
    undisturbed = _core(whole, NewSessions(slow))
    _run_dry(undisturbed)
    undisturbed.close()
    for _ in range(4):
        core = _core(killed, NewSessions(slow))
        for _ in range(steps):
            core.step()
        core.abandon()
    last = _core(killed, NewSessions(slow))
    _run_dry(last)
    last.close()
    assert _names(_facts(killed)) == _names(_facts(whole))


@pytest.mark.anyio
async def test_an_open_call_survives_a_restart(tmp_path: Path) -> None:
    """Its request, its link, and an arrival whose decision was still waiting are known again."""
    now = clock.now()
    spool = Spool.open(tmp_path / "spool", SpoolSettings(), metrics=Metrics("spool"))
    hello = [{"role": "user", "content": "hello"}]
    for frame in [
        *opened(1, now.boot_ns, hello),
        *opened(2, now.boot_ns + 1, hello),
        *opened(3, now.boot_ns + 2, [], pieces=True)[:1],
    ]:
        await spool.put(frames.encode(frame))
    first = _core(tmp_path, NewSessions([span_of(2)]))
    await _until(first, lambda: first.open_calls == 3)
    first.close()
    desk = NewSessions()
    second = _core(tmp_path, desk)
    assert desk.restored == [(span_of(1), True), (span_of(2), False)]
    for frame in [
        opened(3, now.boot_ns, hello, pieces=True)[1],
        *(closed(n, now.boot_ns + 10 + n, "hi") for n in (1, 2, 3)),
    ]:
        await spool.put(frames.encode(frame))
    await spool.aclose()
    await _until(second, lambda: not second.owners)
    second.close()
    facts = _facts(tmp_path)
    assert [len([f for f in facts if isinstance(f, kind)]) for kind in (CallOpened, SessionLinked, CallClosed)] == [
        3,
        3,
        3,
    ]
    assert all(f.opened.request.messages[0].text == "hello" for f in facts if isinstance(f, CallClosed))


@pytest.mark.anyio
async def test_an_open_socket_survives_a_restart(tmp_path: Path) -> None:
    """What went over it before is understood again, and goes on."""
    now = clock.now()
    spool = Spool.open(tmp_path / "spool", SpoolSettings(), metrics=Metrics("spool"))
    head = opened(1, now.boot_ns, [])[0]
    assert isinstance(head, Opened)
    head = msgspec.structs.replace(head, method="GET", path="/v1/realtime", body=b"", body_bytes=0)
    heard = "conversation.item.input_audio_transcription.completed"
    events: list[dict[str, object]] = [
        {"type": "conversation.item.added", "item": {"id": name, "type": "message", "role": "user", "content": []}}
        for name in ("a", "b")
    ]
    events.extend({"type": heard, "item_id": name, "transcript": f"words of {name}"} for name in ("a", "b"))
    bodies = [json.dumps(event).encode() for event in events]
    wire = b"".join(b"\x81\x7e" + len(body).to_bytes(2, "big") + body for body in bodies)
    parts = [
        Part(now.wall_ns, now.boot_ns + 1 + n, span_of(1), "", n, [("server", piece)])
        for n, piece in enumerate((wire[:200], wire[200:]))
    ]
    for frame in (head, parts[0]):
        await spool.put(frames.encode(frame))
    first = _core(tmp_path, NewSessions())
    await _until(first, lambda: first.open_calls == 1)
    first.close()
    second = _core(tmp_path, NewSessions())
    for last in (parts[1], msgspec.structs.replace(closed(1, now.boot_ns + 9, ""), status=101, body=b"")):
        await spool.put(frames.encode(last))
    await spool.aclose()
    await _until(second, lambda: not second.owners)
    second.close()
    (end,) = [fact for fact in _facts(tmp_path) if isinstance(fact, CallClosed)]
    assert [message.text for message in end.opened.request.messages] == ["words of a", "words of b"]
    assert (end.opened.api, end.opened.request.not_understood) == ("realtime", None)


async def _until(core: Core, condition: Callable[[], bool]) -> None:
    deadline_ns = clock.monotonic_ns() + 10 * clock.NS_PER_S
    while not condition():
        core.step()
        await asyncio.sleep(0)
        assert clock.monotonic_ns() < deadline_ns


def test_a_finished_owner_is_never_read_again(tmp_path: Path) -> None:
    """The journal says that an owner is done before its directory goes; a restart in between deletes the directory."""
    owner = write_spool(tmp_path / "spool", conversation(1, 2, at_ns=1))
    metrics = Metrics("worker")
    journal = Journal.open(tmp_path / "journal", JournalSettings(), metrics=metrics)
    journal.append(encode_entry(JournalEntry((), {owner: FINISHED})))
    journal.close()
    core = _core(tmp_path, NewSessions())
    _run_dry(core)
    core.close()
    assert _facts(tmp_path) == []
    assert not (tmp_path / "spool" / owner).exists()


class Awaiting(NewSessions):
    """A desk to whom no parent is known."""

    def opened(self, fact: CallOpened) -> list[Fact]:
        """Link it for now."""
        self.missed[fact.span_id] = msgspec.structs.replace(self._link(fact), evidence={"awaits_parent": True})
        return [self.missed[fact.span_id]]


def test_an_ended_call_that_waits_for_its_parent_is_known_after_a_restart(tmp_path: Path) -> None:
    """From the journal alone, with its request: the spool is gone by then."""
    write_spool(tmp_path / "spool", conversation(1, 1, at_ns=1))
    first, second = Awaiting(), NewSessions()
    core = _core(tmp_path, first)
    _run_dry(core)
    core.close()
    _core(tmp_path, second).abandon()

    assert second.missed == first.missed
    assert len(second.missed) == 1
