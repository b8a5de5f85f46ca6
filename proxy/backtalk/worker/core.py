"""The core: takes frames from the spools, has them decided, writes facts and consumed offsets as one journal entry.

The one rule: a decision is made once. What a frame led to and that the frame is consumed become durable in one step,
and only then may the spool forget it; so a kill at any moment neither doubles nor loses a fact.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from backtalk import clock
from backtalk.errors import StoreError
from backtalk.export.measures import Measures
from backtalk.model.facts import CallOpened, Fact
from backtalk.model.frames import Closed, Heartbeat, Opened, Requested
from backtalk.model.ids import SpanId
from backtalk.settings import Settings
from backtalk.spool import Cursor, Intake, Journal, Taken
from backtalk.spool.intake import FINISHED
from backtalk.telemetry import Metrics
from backtalk.worker import place
from backtalk.worker.batch import Batch
from backtalk.worker.decider import Decider
from backtalk.worker.erasure_places import Rereading, Tables

_log = logging.getLogger(__name__)
MAX_FRAMES: Final = 64
"""Frames of one look at the spools; each may carry a body of some megabytes."""
BATCH_NS: Final = 50 * clock.NS_PER_MS
_TEND_NS: Final = clock.NS_PER_S
_LIVENESS_NS: Final = 200 * clock.NS_PER_MS
_QUIET_NS: Final = 10 * clock.NS_PER_S
"""How long consumption without facts (heartbeats) waits for its entry."""
_RETRY_S: Final = 1.0


class Follower(NamedTuple):
    """A reader of the journal in a thread of its own: the journal is kept from its `position` on."""

    name: str
    position: Callable[[], int]
    start: Callable[[], None]
    stop: Callable[[float], object]
    tables: Tables | None = None
    rereading: Rereading | None = None


class Core:
    """One worker's loop; used by one thread. It owns journal and intake and closes them."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        decider: Decider,
        metrics: Metrics,
        stop: threading.Event,
        spend: Callable[[Sequence[Fact]], object] = len,
    ) -> None:
        self._journal = journal
        self._journal_directory = settings.data_dir / "journal"
        self._decider = decider
        self._metrics, self._measures = metrics, Measures(metrics, settings.telemetry)
        self._stop, self._spend = stop, spend
        self._spools = settings.data_dir / "spool"
        consumed = place.consumed(journal)
        self._intake = Intake(self._spools, consumed)
        self._consumed = {owner: offset for owner, offset in consumed.items() if (self._spools / owner).exists()}
        self._place = Cursor(settings.data_dir / "worker" / "place", stream=journal.id)
        self._places = place.Places(decider.awaits_parent)
        self._batch = Batch()
        self._seen_ns: dict[str, int] = {}
        self._drops: dict[str, int] = {}
        self._begun_ns = 0
        self._written_ns = self._tended_ns = self._looked_ns = clock.monotonic_ns()
        self._moved, self._undecodable = False, 0
        self._kept_place: int | None = None
        self._resume()

    def step(self) -> bool:
        """Look once at the spools and decide what is there; True where more than heartbeats was there."""
        taken = self._intake.poll(MAX_FRAMES)
        for item in taken:
            self._take(item)
        now = clock.now().boot_ns
        self._batch.add(self._decider.advance(taken[-1].frame.boot_ns if taken else now))
        lag_s = max(0, now - taken[-1].frame.boot_ns) / clock.NS_PER_S if taken else 0.0
        self._metrics.set("backtalk.worker.lag", lag_s)
        self._decider.note_lag(lag_s)
        self._end_calls_of_the_dead()
        if self._due():
            self.write()
        return any(not isinstance(item.frame, Heartbeat) for item in taken)

    def write(self) -> None:
        """Put the batch into the journal, then let the spools forget what it covers; waits while the disk is full.

        Session state goes first: what is written twice there is written once, what is missing would never be made up.
        """
        self._decider.flush()
        payload = self._batch.encode(self._consumed)
        if lost := self._batch.unwritable:
            self._metrics.add("backtalk.worker.bad_frames", lost, reason="unwritable")
            _log.error("facts could not be written and are left out", extra={"count": lost})
        begin = self._journal.end
        while True:
            try:
                self._journal.append(payload)
                break
            except StoreError as error:
                if error.code != "journal_full" or self._stop.is_set():
                    raise
                _log.error("the journal takes nothing; the spools wait", extra={"error": error.message})
                self._stop.wait(_RETRY_S)
        self._measures.record(self._batch.facts)
        self._spend(self._batch.facts)
        self._places.note(self._batch.facts, begin)
        self._batch.clear()
        self._moved = False
        self._written_ns = clock.monotonic_ns()
        if self._written_ns - self._tended_ns >= _TEND_NS:
            self._tended_ns = self._written_ns
            self._release()

    def trim(self, followers: Sequence[Follower]) -> None:
        """Delete the part of the journal that nobody needs: no follower, and no call that is open."""
        positions = [follower.position() for follower in followers]
        self._journal.trim(min([*positions, self._places.first(self._journal.end)]))

    def record(self, fact: Fact) -> int:
        """Write a fact that no frame brought, with all that waits; gives the journal's position behind it."""
        self._batch.add([fact])
        self.write()
        return self._journal.end

    def release(self) -> None:
        """Let the spools forget what the journal covers."""
        if self._moved:
            self.write()
        self._release()

    def report(self) -> None:
        """Add up what was counted since the last report."""
        self._decider.report()

    @property
    def owners(self) -> tuple[str, ...]:
        """The proxies whose spools are known."""
        return self._intake.owners

    @property
    def open_calls(self) -> int:
        """How many calls have opened and not closed."""
        return len(self._decider.calls)

    def abandon(self) -> None:
        """Let everything go as a kill would: what is not written is lost to this process."""
        self._intake.close()
        self._journal.close()

    def close(self) -> None:
        """Write what is decided and let everything go."""
        try:
            if self._batch.facts or self._moved:
                self.write()
            self._keep_place()
        finally:
            self.abandon()

    def _take(self, item: Taken) -> None:
        frame = item.frame
        if self._consumed.get(item.owner) == FINISHED:
            return
        if isinstance(frame, Heartbeat):
            self._count_drops(item.owner, frame.dropped)
        if item.late:
            self._metrics.add("backtalk.worker.late_frames")
        if not self._batch.facts:
            self._begun_ns = clock.monotonic_ns()
        facts = self._decider.take(item.owner, frame, late=item.late)
        self._batch.add(facts, len(frame.body or b"") if isinstance(frame, Opened | Requested | Closed) else 0)
        self._consumed[item.owner] = item.next_offset
        self._seen_ns[item.owner] = frame.wall_ns
        self._moved = True
        if self._batch.full:
            self.write()

    def _due(self) -> bool:
        now_ns = clock.monotonic_ns()
        if self._batch.facts:
            return now_ns - self._begun_ns >= BATCH_NS
        return self._moved and now_ns - self._written_ns >= _QUIET_NS

    def _end_calls_of_the_dead(self) -> None:
        """Say how the calls of processes that are gone ended, and that nothing of them is to be read again."""
        now_ns = clock.monotonic_ns()
        if now_ns - self._looked_ns < _LIVENESS_NS:
            return
        self._looked_ns = now_ns
        dead = [owner for owner in self._intake.owners if self._intake.dead(owner)]
        if not dead:
            return
        for owner in dead:
            self._batch.add(self._decider.interrupt(owner, self._seen_ns.pop(owner, 0)))
            self._consumed[owner] = FINISHED
            self._drops.pop(owner, None)
        self.write()
        for owner in dead:
            self._intake.release(owner, FINISHED, ())
            if owner not in self._intake.owners and not (self._spools / owner).exists():
                del self._consumed[owner]
                self._moved = True

    def _release(self) -> None:
        for owner in self._intake.owners:
            self._intake.release(owner, self._consumed.get(owner, 0), self._decider.calls.spans(owner))
        self._keep_place()
        unreadable = self._intake.undecodable
        if unreadable > self._undecodable:
            self._metrics.add("backtalk.worker.bad_frames", unreadable - self._undecodable, reason="undecodable")
            _log.error("frames of a spool could not be read", extra={"count": unreadable - self._undecodable})
            self._undecodable = unreadable

    def _count_drops(self, owner: str, dropped: int) -> None:
        """Heartbeats carry the sum of a process's life."""
        self._batch.dropped += max(0, dropped - self._drops.get(owner, dropped))
        self._drops[owner] = dropped

    def _keep_place(self) -> None:
        if (place_now := self._places.first(self._journal.end)) != self._kept_place:
            self._place.save(place_now)
            self._kept_place = place_now

    def _resume(self) -> None:
        """Know again the calls that were open, or waited for their parent, when the last entry was written."""
        waiting: dict[SpanId, CallOpened] = {}
        for owner, frame in self._intake.reopen_owned():
            if call := self._decider.reopen(owner, frame):
                waiting[call.span_id] = call
        known = place.read(self._journal_directory, self._place.load() or 0, waiting)
        self._places.restore(known)
        open_links = {span_id: seen.linked for span_id, seen in known.announced.items()}
        ended = {span_id: missed for span_id, missed in known.missed.items() if missed.opened is not None}
        calls = [*waiting.values(), *(missed.opened for missed in ended.values() if missed.opened is not None)]
        for call in sorted(calls, key=lambda call: call.opened_ns):
            if (missed := ended.get(call.span_id)) is not None:
                self._decider.restore_missed(call, missed.linked)
            else:
                self._decider.restore(call, open_links.get(call.span_id))
