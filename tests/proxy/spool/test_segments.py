"""Segments: files named by position, headers that are read as written or not at all."""

import os
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.spool import segments
from backtalk.spool.segments import FORMAT, BadSegmentError, Header

positions = st.integers(min_value=0, max_value=2**62)
labels = st.text(max_size=40)


def a_header(boot_id: str, owner: str, base: int, gap_bytes: int) -> Header:
    """One that a writer would give its segment."""
    return Header(FORMAT, boot_id, owner, base, max(0, base - gap_bytes))


headers = st.builds(a_header, labels, labels, positions, st.integers(min_value=0, max_value=1 << 30))


def read(content: bytes, base: int) -> tuple[Header, int]:
    """The header of a file with this content."""
    with TemporaryFile() as file:
        file.write(content)
        file.flush()
        return segments.read_header(file.fileno(), base)


@given(headers, st.binary(max_size=50))
def test_a_header_comes_back_whatever_follows_it(header: Header, frames: bytes) -> None:
    """What was encoded is read, and its length is where the frames begin."""
    encoded = segments.encode_header(header)
    assert read(encoded + frames, header.base) == (header, len(encoded))


@given(headers, st.integers(min_value=0))
def test_a_cut_header_is_none(header: Header, where: int) -> None:
    """A file that ends within its header is no segment, wherever the cut lies."""
    encoded = segments.encode_header(header)
    with pytest.raises(BadSegmentError):
        read(encoded[: where % len(encoded)], header.base)


@given(headers, st.integers(min_value=0), st.integers(min_value=1, max_value=255), st.binary(max_size=50))
def test_a_changed_byte_never_moves_the_frames(header: Header, where: int, change: int, frames: bytes) -> None:
    """A damaged header is refused, or still says the position and length that a reader's arithmetic stands on."""
    encoded = segments.encode_header(header)
    damaged = bytearray(encoded)
    damaged[where % len(damaged)] ^= change
    try:
        found, length = read(bytes(damaged) + frames, header.base)
    except BadSegmentError:
        return
    assert (found.base, length) == (header.base, len(encoded))
    assert 0 <= found.continues <= found.base


@given(st.binary(max_size=200), positions)
def test_any_bytes_are_a_header_or_refused(content: bytes, base: int) -> None:
    """No content of a file ends a reader with an error of another kind."""
    framed = segments.MAGIC + len(content).to_bytes(2, "little") + content
    for tried in (content, framed):
        with pytest.raises(BadSegmentError):
            read(tried, base)


def test_a_header_that_claims_more_than_the_file_holds_is_refused() -> None:
    """Frames would be looked for behind where the writer puts them."""
    encoded = bytearray(segments.encode_header(Header(FORMAT, "boot", "me", 0, 0)))
    encoded[len(segments.MAGIC)] += 1
    with pytest.raises(BadSegmentError):
        read(bytes(encoded), 0)


def test_a_header_under_another_position_is_refused() -> None:
    """A file that was renamed or copied is not read as frames of a place where they never lay."""
    header = segments.encode_header(Header(FORMAT, "boot", "me", 60, 60))
    with pytest.raises(BadSegmentError):
        read(header, 61)


def test_a_later_format_is_named() -> None:
    """The error says what was found and what this version reads."""
    header = segments.encode_header(Header(FORMAT + 1, "boot", "me", 0, 0))
    with pytest.raises(BadSegmentError, match=f"format {FORMAT + 1}; this version reads {FORMAT}"):
        read(header, 0)


@given(st.sets(positions, max_size=8))
def test_a_listing_is_in_the_order_of_positions(tmp_path_factory: pytest.TempPathFactory, bases: set[int]) -> None:
    """Names sort as their positions do, so a plain `ls` shows the stream's order too."""
    directory = tmp_path_factory.mktemp("stream")
    for base in bases:
        (directory / segments.name(base)).touch()
    found = segments.listing(directory)
    assert [segment.base for segment in found] == sorted(bases)
    assert [segment.path.name for segment in found] == sorted(os.listdir(directory))  # noqa: PTH208 -- names alone


@pytest.mark.parametrize(
    "stray",
    [
        "lock",
        ".00000000000000000060.seg.tmp",
        "00000000000000000060.seg.bak",
        "00000000000000000060 (copy).seg",
        "60.seg",
        "\N{SUPERSCRIPT TWO}" * 20 + ".seg",
        "\N{ARABIC-INDIC DIGIT ONE}" * 20 + ".seg",
    ],
)
def test_a_stray_file_is_no_segment(tmp_path: Path, stray: str) -> None:
    """Only a name that the writer would give counts; a backup beside a segment is not read as a second one."""
    (tmp_path / segments.name(7)).touch()
    (tmp_path / stray).touch()
    assert [segment.path.name for segment in segments.listing(tmp_path)] == [segments.name(7)]


def test_a_directory_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    """The worker may delete a spool while another looks at it."""
    gone = tmp_path / "gone"
    assert segments.listing(gone) == []
    assert segments.used_bytes(gone) == 0
    assert segments.boot_id_of(gone) is None


def test_the_first_readable_header_names_the_boot(tmp_path: Path) -> None:
    """A damaged first segment does not make a stream one of an unknown boot."""
    (tmp_path / segments.name(0)).write_bytes(b"damaged")
    assert segments.boot_id_of(tmp_path) is None
    (tmp_path / segments.name(9)).write_bytes(segments.encode_header(Header(FORMAT, "boot", "me", 9, 9)))
    assert segments.boot_id_of(tmp_path) == "boot"


def test_used_bytes_are_those_of_the_segments(tmp_path: Path) -> None:
    """Headers count, other files do not."""
    for base, size in ((0, 10), (5, 20)):
        (tmp_path / segments.name(base)).write_bytes(bytes(size))
    (tmp_path / "lock").write_bytes(bytes(1000))
    assert segments.used_bytes(tmp_path) == 30
