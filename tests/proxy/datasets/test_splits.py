"""Splits without leakage."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtalk.datasets.scratch import Scratch
from backtalk.datasets.splits import split

SHARES = {"train": 0.7, "test": 0.3}


def splits_of(rows: list[list[str]], folder: Path, shares: dict[str, float] = SHARES) -> list[str]:
    """The split of each row."""
    file = folder / "scratch.sqlite"
    file.unlink(missing_ok=True)
    scratch = Scratch(file)
    for number, marks in enumerate(rows):
        row = scratch.add(str(number).encode(), b"")
        scratch.mark(row, marks)
    split(scratch, shares, "seed")
    found = [name for name, _ in scratch.payloads()]
    scratch.close()
    return found


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from([f"m{number}" for number in range(12)]), min_size=1, max_size=3), max_size=20))
def test_rows_that_share_a_mark_share_their_split(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    """Directly or by others, in whatever order they come."""
    folder = tmp_path_factory.mktemp("x")
    found = splits_of(rows, folder)
    backwards = splits_of(rows[::-1], folder)[::-1]

    assert found == backwards
    for marks, name in zip(rows, found, strict=True):
        assert all(name == other for others, other in zip(rows, found, strict=True) if set(marks) & set(others))


def test_shares_are_kept_to(tmp_path: Path) -> None:
    """Of a thousand groups about three in ten are for tests."""
    found = splits_of([[f"user {number}"] for number in range(1000)], tmp_path)
    assert 240 <= found.count("test") <= 360


def test_more_rows_move_no_group(tmp_path: Path) -> None:
    """A dataset that grows keeps its test rows apart from training."""
    rows = [[f"user {number}"] for number in range(100)]
    assert splits_of(rows[:50], tmp_path) == splits_of(rows, tmp_path)[:50]
