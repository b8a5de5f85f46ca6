"""The intake: the worker's view of all spools as one stream in the order in which things happened.

In: the directories of all owners, living and dead. Out: frames merged by boot time. A frame waits until every other
living owner is known to have nothing earlier, at most 500 ms; what comes too late for its place is handed out marked
`late`. With one living owner nothing waits.
"""

import heapq
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from backtalk import clock
from backtalk.model.frames import AnyFrame
from backtalk.spool.checkpoint import SUFFIX
from backtalk.spool.owner import Moment, Owner

WAIT_CAP_NS: Final = 500 * clock.NS_PER_MS
FINISHED: Final = 2**63 - 1
"""As a consumed offset: this owner's end, and that of its calls, was decided; its directory is only to be deleted."""
_ALWAYS: Final = Moment(2, 0)


class Taken(NamedTuple):
    """A frame, where it lies, and whether it came too late for its place."""

    owner: str
    offset: int
    next_offset: int
    frame: AnyFrame
    late: bool


class Intake:
    """Reads every spool under `root` on from `consumed`; used by one thread.

    Checkpoints lie in `checkpoints` (by default `worker/` beside `root`).
    """

    def __init__(self, root: Path, consumed: Mapping[str, int], *, checkpoints: Path | None = None) -> None:
        self._root = root
        self._checkpoints = checkpoints or root.parent / "worker"
        self._consumed = dict(consumed)
        self._owners: dict[str, Owner] = {}
        self._handed_out = Moment(0, 0)
        self._discover()

    @property
    def owners(self) -> tuple[str, ...]:
        """The owners that have a directory."""
        return tuple(self._owners)

    @property
    def lost_bytes(self) -> int:
        """What was gone before it could be read."""
        return sum(owner.tail.lost_bytes for owner in self._owners.values())

    @property
    def undecodable(self) -> int:
        """Whole frames that were not of a known kind."""
        return sum(owner.undecodable for owner in self._owners.values())

    def poll(self, max_frames: int) -> list[Taken]:
        """The next frames, up to `max_frames`; empty where nothing may be handed out now. Heartbeats are among them."""
        now_ns = clock.monotonic_ns()
        self._discover()
        for owner in self._owners.values():
            owner.refresh(now_ns)
        heads = [(owner.ahead[0].moment, name) for name, owner in self._owners.items() if owner.ahead]
        heapq.heapify(heads)
        taken: list[Taken] = []
        watermark = self._watermark()
        while heads and len(taken) < max_frames:
            owner = self._owners[heads[0][1]]
            if owner.ahead[0].moment > watermark and now_ns - owner.ahead[0].read_ns < WAIT_CAP_NS:
                break
            taken.append(self._hand_out(owner))
            if not owner.ahead:
                owner.refresh(now_ns)
                watermark = self._watermark()
            if owner.ahead:
                heapq.heapreplace(heads, (owner.ahead[0].moment, owner.name))
            else:
                heapq.heappop(heads)
        return taken

    def dead(self, owner: str) -> bool:
        """Whether the owner's process is gone and all it wrote was handed out: its open calls are interrupted."""
        known = self._owners.get(owner)
        return known is None or known.finished

    def release(self, owner: str, consumed_offset: int, open_spans: Collection[str]) -> None:
        """Say that all before `consumed_offset` is in the journal; deletes what a restart there would not need.

        `open_spans` are the owner's calls still open. A dead owner without any is deleted wholly.
        """
        known = self._owners.get(owner)
        if known is not None and known.release(consumed_offset, open_spans):
            del self._owners[owner]

    def reopen(self) -> Iterator[AnyFrame]:
        """The `Opened` and `Requested` frames of the calls that were open where this intake began; once."""
        for _, frame in self.reopen_owned():
            yield frame

    def reopen_owned(self) -> Iterator[tuple[str, AnyFrame]]:
        """What `reopen` gives, with the owner of each frame; once."""
        for owner in self._owners.values():
            frames, owner.reopened = owner.reopened, []
            yield from ((owner.name, frame) for frame in frames)

    def close(self) -> None:
        """Let all files go."""
        for owner in self._owners.values():
            owner.tail.close()

    def _discover(self) -> None:
        try:
            names = {path.name for path in self._root.iterdir() if not path.name.startswith(".") and path.is_dir()}
        except FileNotFoundError:
            return
        for name in sorted(names - self._owners.keys()):
            consumed = self._consumed.get(name, 0)
            owner = Owner(self._root / name, self._checkpoints / f"{name}{SUFFIX}", min(consumed, FINISHED - 1))
            if consumed == FINISHED:
                owner.delete()
            else:
                self._owners[name] = owner

    def _watermark(self) -> Moment:
        """Up to here no living owner can still say anything, except those whose next frame is in sight."""
        return min((o.seen for o in self._owners.values() if o.live and not o.ahead), default=_ALWAYS)

    def _hand_out(self, owner: Owner) -> Taken:
        ahead = owner.hand_out()
        late = ahead.moment < self._handed_out
        self._handed_out = max(self._handed_out, ahead.moment)
        return Taken(owner.name, ahead.offset, ahead.next_offset, ahead.frame, late)
