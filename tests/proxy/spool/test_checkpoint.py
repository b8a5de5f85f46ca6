"""Checkpoints: the frames of open calls come back as they were, or smaller and saying so, and never as an error."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.frames import Opened, Part, Requested, decode, encode
from backtalk.spool import checkpoint
from backtalk.spool.checkpoint import Carried
from backtalk.testing.frames import closed, opened

EMPTY = Carried(0, {})
contents = st.builds(
    Carried,
    st.integers(min_value=0, max_value=2**63 - 1),
    st.dictionaries(st.integers(min_value=0, max_value=2**63 - 1), st.binary(max_size=60), max_size=6),
)


def arrival(number: int, body_bytes: int, *, pieces: bool = False) -> bytes:
    """An `Opened` frame with a body of about this size, or the `Requested` frame that brings it."""
    return encode(opened(number, 1, [{"role": "user", "content": "x" * body_bytes}], pieces=pieces)[-1])


@given(contents)
def test_what_is_saved_is_loaded(carried: Carried) -> None:
    """Offsets and frames, whatever the frames hold."""
    with TemporaryDirectory() as name:
        path = Path(name) / "deep" / "a.open"
        assert checkpoint.save(path, carried) == carried
        assert checkpoint.load(path) == carried


@given(contents, st.integers(min_value=0))
def test_a_cut_file_is_an_empty_checkpoint(carried: Carried, where: int) -> None:
    """A part of a checkpoint is none: some of the open calls would look like all of them."""
    with TemporaryDirectory() as name:
        path = Path(name) / "a.open"
        checkpoint.save(path, carried)
        content = path.read_bytes()
        path.write_bytes(content[: where % len(content)])
        assert checkpoint.load(path) == EMPTY


@given(st.binary(max_size=100))
def test_any_bytes_are_a_checkpoint_or_an_empty_one(content: bytes) -> None:
    """No content of the file stops the worker."""
    with TemporaryDirectory() as name:
        path = Path(name) / "a.open"
        path.write_bytes(content)
        assert isinstance(checkpoint.load(path), Carried)


def test_none_is_an_empty_one(tmp_path: Path) -> None:
    """An owner whose segments were never deleted has no checkpoint."""
    assert checkpoint.load(tmp_path / "a.open") == EMPTY


@pytest.mark.parametrize("pieces", [False, True])
def test_without_its_body_a_frame_says_so_and_keeps_the_rest(*, pieces: bool) -> None:
    """Size and hash stay, so that a reader knows what it does not see."""
    whole = decode(arrival(1, 500, pieces=pieces))
    light = decode(checkpoint.without_body(encode(whole)))
    assert isinstance(whole, Opened | Requested)
    assert isinstance(light, Opened | Requested)
    assert (light.body, light.capture, light.body_bytes) == (b"", "truncated", whole.body_bytes)
    assert (light.span_id, light.wall_ns, light.boot_ns) == (whole.span_id, whole.wall_ns, whole.boot_ns)


def test_a_body_that_is_still_to_come_stays_to_come() -> None:
    """An `Opened` frame without a body waits for its `Requested` frame after a restart too."""
    head = decode(checkpoint.without_body(encode(opened(1, 1, [], pieces=True)[0])))
    assert isinstance(head, Opened)
    assert head.body is None


def test_frames_without_a_body_are_left_as_they_are() -> None:
    """There is nothing to leave out."""
    frame = encode(closed(1, 1, "answer"))
    assert checkpoint.without_body(frame) == frame


@given(st.lists(st.integers(min_value=0, max_value=600), max_size=8), st.integers(min_value=0, max_value=2000))
def test_beyond_the_bound_the_largest_bodies_are_left_out(sizes: list[int], limit_bytes: int) -> None:
    """Every call stays known, in order; whole frames fit the bound, and none is left out for a larger one."""
    frames = {10 * number: arrival(number, size) for number, size in enumerate(sizes)}
    kept = checkpoint.bounded(frames, limit_bytes)
    assert list(kept) == sorted(frames)
    whole = [payload for offset, payload in frames.items() if kept[offset] == payload]
    left_out = [payload for offset, payload in frames.items() if kept[offset] != payload]
    assert all(kept[offset] in (payload, checkpoint.without_body(payload)) for offset, payload in frames.items())
    assert sum(map(len, whole)) <= limit_bytes
    assert max(map(len, whole), default=0) <= min(map(len, left_out), default=1 << 30)


def test_what_is_given_back_is_what_lies_on_disk(tmp_path: Path) -> None:
    """The worker keeps in memory no more than the checkpoint does."""
    saved = checkpoint.save(tmp_path / "a.open", Carried(7, {0: arrival(1, 1000)}), limit_bytes=100)
    assert saved == checkpoint.load(tmp_path / "a.open")
    assert sum(map(len, saved.frames.values())) < 1000


def test_a_part_that_is_let_go_says_so() -> None:
    """Its number tells that the session has a gap."""
    part = encode(Part(1, 1, "s", "x", 3, [("client", b"a" * 100)]))
    (kept,) = checkpoint.bounded({7: part}, 10).values()
    assert decode(kept) == Part(1, 1, "s", "x", -1, [])
