"""The intake: several spools become one stream in the order of events, and survive restarts of the worker."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from backtalk import clock
from backtalk.model.frames import AnyFrame, Closed, Feedback, Heartbeat, Opened, Part, Requested
from backtalk.spool import segments
from backtalk.spool.intake import FINISHED, WAIT_CAP_NS, Intake
from backtalk.testing.spools import ScriptedSpool
from backtalk.testing.waiting import wait_until


def opened(span: str, boot_ns: int, body: bytes | None = b"{}") -> Opened:
    """A call's start."""
    head = ("t" * 32, span, "s" * 16, None, 1, "", "tenant", "POST", "/v1/chat/completions", "")
    return Opened(boot_ns, boot_ns, *head, headers=[], client_hash="", body=body, body_bytes=len(body or b""))


def requested(span: str, boot_ns: int, body: bytes) -> Requested:
    """A call's request that came in pieces."""
    return Requested(boot_ns, boot_ns, span, body, len(body))


def closed(span: str, boot_ns: int) -> Closed:
    """A call's end."""
    return Closed(boot_ns, boot_ns, span, "completed", 200, [], b"ok", 2, 1, None, 1, 1, "upstream")


def said(name: str, boot_ns: int) -> Feedback:
    """A frame without a call."""
    return Feedback(boot_ns, boot_ns, name, "tenant", "t", "s", b"{}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The directory of all spools."""
    return tmp_path / "spool"


def names(intake: Intake, count: int = 100) -> list[str]:
    """What kind of frame came, or whose."""
    return [taken.frame.feedback_id for taken in intake.poll(count) if isinstance(taken.frame, Feedback)]


def test_two_owners_are_merged_by_boot_time(root: Path) -> None:
    """Frames come in the order of events, up to where both are known to have nothing earlier."""
    a, b = ScriptedSpool(root, "a"), ScriptedSpool(root, "b")
    a.write(said("1", 1), said("3", 3), said("5", 5))
    b.write(said("2", 2), said("4", 4))
    intake = Intake(root, {})
    assert names(intake) == ["1", "2", "3", "4"]
    b.write(Heartbeat(6, 6))
    assert names(intake) == ["5"]
    intake.close()


def test_one_living_owner_waits_for_nobody(root: Path) -> None:
    """With a single proxy a frame is handed out as soon as it is read."""
    a, dead = ScriptedSpool(root, "a"), ScriptedSpool(root, "dead")
    dead.write(said("0", 5))
    dead.die()
    a.write(said("1", 9))
    intake = Intake(root, {})
    assert names(intake) == ["0", "1"]
    intake.close()


def test_a_wait_has_an_end_and_what_comes_later_is_marked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After 500 ms a frame goes without the others; an earlier one that comes then is `late`."""
    a, b = ScriptedSpool(root, "a"), ScriptedSpool(root, "b")
    b.write(said("0", 1))
    intake = Intake(root, {})
    assert names(intake) == []
    a.write(said("5", 5))
    assert names(intake) == ["0"]
    present = clock.monotonic_ns()
    monkeypatch.setattr("backtalk.clock.monotonic_ns", lambda: present + WAIT_CAP_NS + clock.NS_PER_S)
    assert names(intake) == ["5"]
    b.write(said("3", 3))
    taken = intake.poll(10)
    assert [t.late for t in taken] == [True]
    intake.close()


def test_owners_of_an_earlier_boot_come_first_by_wall_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Boot times of different boots do not compare; wall times do, nearly."""
    with monkeypatch.context() as patch:
        patch.setattr("backtalk.clock.boot_id", lambda: "an earlier boot")
        old, older = ScriptedSpool(root, "old"), ScriptedSpool(root, "older")
        older.write(Feedback(1, 900, "0", "t", "t", "s", b"{}"))
        old.write(Feedback(2, 800, "1", "t", "t", "s", b"{}"))
        old.die()
        older.die()
    new = ScriptedSpool(root, "new")
    new.write(Feedback(3, 5, "2", "t", "t", "s", b"{}"))
    intake = Intake(root, {})
    assert names(intake) == ["0", "1", "2"]
    intake.close()


def test_a_dead_owner_is_known_only_when_all_is_consumed_and_then_deleted(root: Path) -> None:
    """Its calls are not interrupted before its last frame was seen."""
    a = ScriptedSpool(root, "a")
    a.write(opened("x", 1), said("1", 2))
    intake = Intake(root, {})
    assert not intake.dead("a")
    a.die()
    wait_until(lambda: intake.poll(1) and not intake.dead("a"), 2)
    (last,) = intake.poll(10)
    wait_until(lambda: intake.poll(10) == [] and intake.dead("a"), 2)
    intake.release("a", last.next_offset, {"x"})
    assert a.directory.exists()
    intake.release("a", last.next_offset, ())
    assert not a.directory.exists()
    assert intake.owners == ()


def test_a_finished_owner_is_only_deleted(root: Path) -> None:
    """Where the journal says that an owner's end was decided, a restart gives none of its frames again."""
    a = ScriptedSpool(root, "a")
    a.write(opened("x", 1))
    a.die()
    intake = Intake(root, {"a": FINISHED})
    assert list(intake.reopen()) == []
    assert intake.poll(10) == []
    assert not a.directory.exists()


def test_a_long_call_does_not_hold_segments(root: Path) -> None:
    """Segments go although a call in them is open; its frames are carried and come back after a restart."""
    a = ScriptedSpool(root, "a", segment_bytes=500)
    a.write(opened("long", 1, None), requested("long", 2, b"body"))
    for number in range(50):
        a.write(opened(f"s{number}", 3 + number), closed(f"s{number}", 3 + number))
    intake = Intake(root, {})
    last = intake.poll(1000)[-1]
    before = len(segments.listing(a.directory))
    intake.release("a", last.next_offset, {"long"})
    assert before > 10 > len(segments.listing(a.directory))
    intake.close()
    again = Intake(root, {"a": last.next_offset})
    assert list(again.reopen()) == [opened("long", 1, None), requested("long", 2, b"body")]
    assert list(again.reopen()) == []
    for number in range(50):
        a.write(said(f"f{number}", 100 + number))
    last = again.poll(1000)[-1]
    again.release("a", last.next_offset, {"long"})
    again.close()
    third = Intake(root, {"a": last.next_offset})
    assert [type(frame) for frame in third.reopen()] == [Opened, Requested]
    third.close()


def test_what_went_over_an_open_socket_is_carried_too(root: Path) -> None:
    """In its order: without it a restart would know half of a session."""
    a = ScriptedSpool(root, "a", segment_bytes=500)
    parts = [Part(2 + n, 2 + n, "long", "", n, [("server", b"%d" % n)]) for n in range(20)]
    a.write(opened("long", 1), *parts)
    for number in range(50):
        a.write(opened(f"s{number}", 100 + number), closed(f"s{number}", 100 + number))
    intake = Intake(root, {})
    last = intake.poll(1000)[-1]
    intake.release("a", last.next_offset, {"long"})
    intake.close()
    again = Intake(root, {"a": last.next_offset})
    assert list(again.reopen()) == [opened("long", 1), *parts]
    again.close()


actions = st.lists(
    st.tuples(
        st.sampled_from(["open", "close", "pieces", "consume", "restart"]), st.integers(min_value=0, max_value=5)
    ),
    max_size=60,
)


@examples(max_examples=80)
@given(actions)
def test_a_restart_knows_exactly_the_open_calls(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[str, int]]
) -> None:
    """Whatever was written, consumed, deleted and restarted: `reopen` gives the calls open at the resume offset."""
    root = tmp_path_factory.mktemp("intake") / "spool"
    owner = ScriptedSpool(root, "a", segment_bytes=300)
    intake, consumed, seen = Intake(root, {}), 0, dict[str, list[AnyFrame]]()
    alive: dict[int, str] = {}
    for present, (action, number) in enumerate(script, start=1):
        if action == "open" and number not in alive:
            alive[number] = f"span{present}"  # no two calls ever have the same
            owner.write(opened(alive[number], present))
        elif action == "pieces" and number in alive:
            owner.write(requested(alive[number], present, b"y" * 90))
        elif action == "close" and number in alive:
            owner.write(closed(alive.pop(number), present))
        elif action == "consume":
            for taken in intake.poll(number + 1):
                consumed = taken.next_offset
                follow(seen, taken.frame)
            intake.release("a", consumed, set(seen))
        elif action == "restart":
            intake.close()
            intake = Intake(root, {"a": consumed})
            assert list(intake.reopen()) == sorted(
                (frame for frames in seen.values() for frame in frames), key=lambda frame: frame.boot_ns
            )
    intake.close()
    owner.die()


def follow(seen: dict[str, list[AnyFrame]], frame: AnyFrame) -> None:
    """Keep the frames of open calls, as the worker does."""
    if isinstance(frame, Opened):
        seen[frame.span_id] = [frame]
    elif isinstance(frame, Requested) and frame.span_id in seen:
        seen[frame.span_id].append(frame)
    elif isinstance(frame, Closed):
        seen.pop(frame.span_id, None)


def test_frames_of_an_unknown_kind_are_counted_and_passed(root: Path) -> None:
    """A frame that is not understood costs itself only."""
    a = ScriptedSpool(root, "a")
    a.write(said("1", 1))
    a.write_raw(b"\xc1nonsense")
    a.write(said("2", 2))
    intake = Intake(root, {})
    assert names(intake) == ["1", "2"]
    assert intake.undecodable == 1
    intake.close()
