"""Framing: whole frames are found, torn and damaged ones are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.spool.frame import MAX_PAYLOAD_BYTES, pack, scan, wanted_bytes

payloads = st.lists(st.binary(max_size=300), max_size=12)


@given(payloads)
def test_whole_frames_come_back_in_order(written: list[bytes]) -> None:
    """What is packed is found again, whatever its bytes."""
    assert [found.payload for found in scan(b"".join(map(pack, written)))] == written


@given(payloads, st.integers(min_value=0))
def test_a_cut_at_any_byte_loses_only_the_frames_behind_it(written: list[bytes], where: int) -> None:
    """A torn file gives every frame that lies wholly before the tear, and nothing else."""
    whole = b"".join(map(pack, written))
    cut = where % (len(whole) + 1)
    ends, position = list[int](), 0
    for payload in written:
        position += len(pack(payload))
        ends.append(position)
    assert [found.payload for found in scan(whole[:cut])] == written[: sum(end <= cut for end in ends)]


@given(st.binary(min_size=1, max_size=200), st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_is_noticed(payload: bytes, where: int, change: int) -> None:
    """No frame is given with other bytes than were packed, its length included."""
    frame = bytearray(pack(payload))
    frame[where % len(frame)] ^= change
    assert payload not in [found.payload for found in scan(bytes(frame))]


def test_zero_bytes_are_no_frame() -> None:
    """A file that the system extended with zeros holds nothing."""
    assert list(scan(bytes(4096))) == []


def test_a_frame_that_is_too_large_is_refused() -> None:
    """The writer refuses what a reader would take for damage."""
    with pytest.raises(ValueError, match="larger than"):
        pack(bytes(MAX_PAYLOAD_BYTES + 1))


def test_the_wanted_size_is_known_from_the_head() -> None:
    """A reader learns from eight bytes how many a frame takes; nonsense asks for none."""
    assert wanted_bytes(pack(b"x" * 100)[:8]) == 108
    assert wanted_bytes(b"\xff" * 8) == 0
    assert wanted_bytes(b"\x01") == 0
