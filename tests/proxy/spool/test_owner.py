"""One owner: frames in their order whatever their times say, and no file deleted that a restart would need."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk import clock
from backtalk.model.frames import AnyFrame, Heartbeat, Opened, Requested
from backtalk.spool import checkpoint, segments
from backtalk.spool.owner import LIVENESS_NS, Ahead, Owner
from backtalk.testing.frames import closed, opened, rating, span_of
from backtalk.testing.spools import ScriptedSpool

NONE: tuple[str, ...] = ()


@pytest.fixture
def spool(tmp_path: Path) -> ScriptedSpool:
    """A living proxy's spool with small segments."""
    return ScriptedSpool(tmp_path / "spool", segment_bytes=500)


def owner_of(spool: ScriptedSpool, consumed: int = 0) -> Owner:
    """The worker's view of it."""
    return Owner(spool.directory, checkpoint_of(spool), consumed)


def checkpoint_of(spool: ScriptedSpool) -> Path:
    """Where its checkpoint lies."""
    return spool.directory.parent.parent / "worker" / f"{spool.name}.open"


def read_on(owner: Owner) -> list[Ahead]:
    """Hand out all there is; asks for the lock each time."""
    taken: list[Ahead] = []
    for _ in range(1000):
        owner.refresh(clock.monotonic_ns() + len(taken) * LIVENESS_NS)
        if not owner.ahead:
            return taken
        taken.append(owner.hand_out())
    raise AssertionError("it never ends")


def finish(owner: Owner) -> list[Ahead]:
    """Hand out all there is of an owner that died."""
    taken = read_on(owner)
    owner.refresh(clock.monotonic_ns() + 2**40)
    owner.refresh(clock.monotonic_ns() + 2**41)
    return taken


times = st.lists(
    st.tuples(st.integers(min_value=0, max_value=2**62), st.integers(min_value=0, max_value=2**62)), max_size=20
)


@given(times, st.booleans())
def test_frames_keep_their_order_whatever_their_times_say(
    tmp_path_factory: pytest.TempPathFactory,
    said: list[tuple[int, int]],
    this_boot: bool,
) -> None:
    """A clock that went back, or a proxy that lies, moves no frame before one that was written earlier."""
    with pytest.MonkeyPatch.context() as patch:
        if not this_boot:
            patch.setattr("backtalk.clock.boot_id", lambda: "an earlier boot")
        spool = ScriptedSpool(tmp_path_factory.mktemp("o") / "spool")
        frames = [Heartbeat(wall_ns, boot_ns) for wall_ns, boot_ns in said]
        spool.write(*frames)
    taken = read_on(owner_of(spool))
    spool.die()
    assert [ahead.frame for ahead in taken] == frames
    assert [ahead.moment for ahead in taken] == sorted(ahead.moment for ahead in taken)
    counted = [frame.boot_ns if this_boot else frame.wall_ns for frame in frames]
    assert [ahead.moment.time_ns for ahead in taken] == [max(counted[: n + 1]) for n in range(len(counted))]
    assert {ahead.moment.generation for ahead in taken} <= {int(this_boot)}


def test_each_frame_says_where_the_next_begins(spool: ScriptedSpool) -> None:
    """`taken` follows what was handed out, and a reader that begins there gets the rest."""
    frames = [rating(number, number) for number in range(9)]
    spool.write(*frames)
    first = owner_of(spool)
    first.refresh(clock.monotonic_ns())
    consumed = [first.hand_out() for _ in range(3)][-1].next_offset
    assert first.taken == consumed
    assert [ahead.frame for ahead in read_on(owner_of(spool, consumed))] == frames[3:]


def test_it_is_finished_only_when_it_died_and_all_was_handed_out(spool: ScriptedSpool) -> None:
    """A living owner is not, nor is a dead one with a frame that nobody has seen."""
    spool.write(rating(1, 1))
    owner = owner_of(spool)
    assert [ahead.frame for ahead in read_on(owner)] == [rating(1, 1)]
    assert not owner.finished
    spool.write(rating(2, 2))
    spool.die()
    owner.refresh(clock.monotonic_ns() + 2**40)
    assert not owner.finished
    assert [ahead.frame for ahead in finish(owner)] == [rating(2, 2)]
    assert owner.finished


def test_frames_that_are_not_understood_hide_none_behind_them(spool: ScriptedSpool) -> None:
    """A dead owner is read to its end, also where a whole segment holds nothing that this version knows."""
    spool.write(rating(1, 1))
    spool.roll()
    spool.write_raw(b"\xc1 of a later version")
    spool.roll()
    spool.write(rating(2, 2))
    spool.die()
    owner = owner_of(spool)
    assert [ahead.frame for ahead in finish(owner)] == [rating(1, 1), rating(2, 2)]
    assert (owner.finished, owner.undecodable) == (True, 1)


def test_a_dead_owner_goes_with_its_checkpoint(spool: ScriptedSpool) -> None:
    """Once all is consumed and no call is open."""
    spool.write(*opened(1, 1, []))
    checkpoint.save(checkpoint_of(spool), checkpoint.Carried(0, {}))
    spool.die()
    owner = owner_of(spool)
    (last,) = finish(owner)
    assert not owner.release(last.offset, NONE)
    assert not owner.release(last.next_offset, {span_of(1)})
    assert spool.directory.exists()
    assert owner.release(last.next_offset, NONE)
    assert not spool.directory.exists()
    assert not checkpoint_of(spool).exists()


def test_only_what_lies_wholly_before_the_consumption_is_deleted(spool: ScriptedSpool) -> None:
    """The segment in which the consumption ends stays, and all behind it."""
    spool.write(*(rating(number, number) for number in range(20)))
    owner = owner_of(spool)
    consumed = read_on(owner)[9].next_offset
    owner.release(consumed, NONE)
    left = segments.listing(spool.directory)
    assert left[0].base <= consumed < left[1].base
    assert [ahead.frame for ahead in read_on(owner_of(spool, consumed))] == [rating(n, n) for n in range(10, 20)]


def write_a_long_call(spool: ScriptedSpool) -> list[AnyFrame]:
    """A call whose body came in pieces and that stays open, and many that are over, some segments of them."""
    long: list[AnyFrame] = [*opened(0, 1, [{"role": "user", "content": "a long story"}], pieces=True)]
    spool.write(*long)
    for number in range(1, 8):
        spool.write(*opened(number, 10 * number, []), closed(number, 10 * number + 1, "short"))
    return long


def test_a_long_call_does_not_hold_its_segments(spool: ScriptedSpool) -> None:
    """They are deleted, and each restart knows the call from the checkpoint, also after further deletions."""
    long = write_a_long_call(spool)
    owner = owner_of(spool)
    for begin in (100, 200):
        consumed = read_on(owner)[-1].next_offset
        owner.release(consumed, {span_of(0)})
        assert segments.listing(spool.directory)[0].base > 0
        owner = owner_of(spool, consumed)
        assert owner.reopened == long
        spool.write(*(rating(begin + number, begin + number) for number in range(9)))


def test_a_call_that_closed_is_carried_no_further(spool: ScriptedSpool) -> None:
    """The checkpoint empties with its calls."""
    write_a_long_call(spool)
    owner = owner_of(spool)
    owner.release(read_on(owner)[-1].next_offset, {span_of(0)})
    assert checkpoint.load(checkpoint_of(spool)).frames
    spool.write(closed(0, 100, "at last"), *(rating(number, 100 + number) for number in range(9)))
    consumed = read_on(owner)[-1].next_offset
    owner.release(consumed, NONE)
    assert checkpoint.load(checkpoint_of(spool)).frames == {}
    assert owner_of(spool, consumed).reopened == []


def test_the_checkpoint_is_there_before_the_segments_go(spool: ScriptedSpool) -> None:
    """A kill between the two costs nothing: with both, each frame of the open call is known once."""
    long = write_a_long_call(spool)
    kept = {path: path.read_bytes() for path in spool.directory.glob("*.seg")}
    owner = owner_of(spool)
    consumed = read_on(owner)[-1].next_offset
    owner.release(consumed, {span_of(0)})
    for path, content in kept.items():
        path.write_bytes(content)
    assert owner_of(spool, consumed).reopened == long


def test_a_checkpoint_that_cannot_be_written_keeps_the_segments(spool: ScriptedSpool) -> None:
    """Deleting what is carried nowhere would forget the call."""
    long = write_a_long_call(spool)
    owner = owner_of(spool)
    consumed = read_on(owner)[-1].next_offset
    checkpoint_of(spool).mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        owner.release(consumed, {span_of(0)})
    assert segments.listing(spool.directory)[0].base == 0
    assert owner_of(spool, consumed).reopened == long


def cut(path: Path) -> None:
    """Half of it is gone."""
    path.write_bytes(path.read_bytes()[:-20])


def foreign(path: Path) -> None:
    """A frame of a later version is in it."""
    path.write_bytes(msgspec.msgpack.encode(checkpoint.Carried(1, {0: b"\xc1 of a later version"})))


@pytest.mark.parametrize("damage", [cut, foreign, Path.unlink])
def test_a_damaged_checkpoint_costs_its_calls_only(spool: ScriptedSpool, damage: Callable[[Path], object]) -> None:
    """The owner is read on where it was; what follows is handed out as ever."""
    write_a_long_call(spool)
    owner = owner_of(spool)
    consumed = read_on(owner)[-1].next_offset
    owner.release(consumed, {span_of(0)})
    damage(checkpoint_of(spool))
    spool.write(rating(100, 100))
    again = owner_of(spool, consumed)
    assert again.reopened == []
    assert [ahead.frame for ahead in read_on(again)] == [rating(100, 100)]


def test_a_call_whose_frame_was_damaged_is_not_replaced_by_its_neighbour(spool: ScriptedSpool) -> None:
    """Where the frame to be carried cannot be read any more, the one behind it is not taken for it."""
    head, body = opened(0, 1, [{"role": "user", "content": "a long story"}], pieces=True)
    (neighbour,) = opened(1, 2, [])
    spool.write(head, body)
    spool.roll()
    spool.write(neighbour, *(rating(number, number) for number in range(9)))
    owner = owner_of(spool)
    consumed = read_on(owner)[-1].next_offset
    first = segments.listing(spool.directory)[0].path
    content = bytearray(first.read_bytes())
    content[content.index(b"a long story")] ^= 0xFF
    first.write_bytes(content)
    owner.release(consumed, {span_of(0), span_of(1)})
    assert owner_of(spool, consumed).reopened == [head, neighbour]


def test_what_is_carried_is_bounded_in_memory_too(spool: ScriptedSpool) -> None:
    """A body that was left out of one checkpoint is not kept for the next."""
    write_a_long_call(spool)
    owner = Owner(spool.directory, checkpoint_of(spool), 0, carry_bytes=100)
    owner.release(read_on(owner)[-1].next_offset, {span_of(0)})
    checkpoint_of(spool).unlink()
    spool.write(*(rating(100 + number, 100 + number) for number in range(9)))
    consumed = read_on(owner)[-1].next_offset
    owner.release(consumed, {span_of(0)})
    again = owner_of(spool, consumed).reopened
    assert [(type(frame), getattr(frame, "capture", "")) for frame in again] == [
        (Opened, "truncated"),
        (Requested, "truncated"),
    ]
