"""Frames: what a proxy wrote is what the worker reads, and bytes that are no frame say so."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model import frames

_OPENED = frames.Opened(
    1, 2, "t" * 32, "s" * 16, "p" * 16, None, 1, "", "tenant", "POST", "/v1/chat/completions", "", [("a", "b")], "c",
    b"{}", 2,
)  # fmt: skip
_CLOSED = frames.Closed(3, 4, "s" * 16, "completed", 200, [("a", "b")], b"{}", 2, 5, None, 6, 1, "http://x")
FRAMES = [
    _OPENED,
    frames.Requested(1, 2, "s" * 16, b"\xff\x00", 2, "sha", "truncated"),
    _CLOSED,
    frames.Feedback(1, 2, "f", "tenant", "t" * 32, "s" * 16, b"{}"),
    frames.Heartbeat(1, 2, 3),
]


@pytest.mark.parametrize("frame", FRAMES, ids=[type(frame).__name__ for frame in FRAMES])
def test_frame_comes_back_as_it_was_written(frame: frames.AnyFrame) -> None:
    """Each kind survives encoding, body bytes and all."""
    assert frames.decode(frames.encode(frame)) == frame


@pytest.mark.parametrize("frame", FRAMES, ids=[type(frame).__name__ for frame in FRAMES])
def test_frame_with_more_fields_is_still_read(frame: frames.AnyFrame) -> None:
    """A newer proxy beside an older worker adds fields at the end; they are left out."""
    more = msgspec.msgpack.encode([*msgspec.msgpack.decode(frames.encode(frame)), "from the future"])
    assert frames.decode(more) == frame


@given(st.binary())
def test_any_bytes_are_a_frame_or_an_error(payload: bytes) -> None:
    """Nothing but `MsgspecError` is raised, whatever a broken disk returns."""
    try:
        frame = frames.decode(payload)
    except msgspec.MsgspecError:
        return
    assert isinstance(frame, frames.Frame)


@pytest.mark.parametrize("at_ns", [(1 << 62) + 1, (1 << 64) - 1, -(1 << 62) - 1])
@pytest.mark.parametrize("place", [1, 2])
def test_a_frame_without_a_date_is_an_error(at_ns: int, place: int) -> None:
    """Its fact would have no partition in the ledger, and hold up all behind it."""
    fields = msgspec.msgpack.decode(frames.encode(_CLOSED))
    fields[place] = at_ns
    with pytest.raises(msgspec.MsgspecError):
        frames.decode(msgspec.msgpack.encode(fields))


@given(st.sampled_from(FRAMES), st.data())
def test_a_cut_frame_is_an_error(frame: frames.AnyFrame, data: st.DataObject) -> None:
    """A prefix is never taken for a whole frame."""
    payload = frames.encode(frame)
    with pytest.raises(msgspec.MsgspecError):
        frames.decode(payload[: data.draw(st.integers(0, len(payload) - 1))])
