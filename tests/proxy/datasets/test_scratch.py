"""The scratch file of a build."""

from pathlib import Path

from backtalk.datasets.scratch import MOST_IN_BAND, Scratch


def test_rows_come_back_in_their_order(tmp_path: Path) -> None:
    """Found by key, replaced in place."""
    scratch = Scratch(tmp_path / "scratch")
    first, second = scratch.add(b"k1", b"one"), scratch.add(b"k2", b"two")
    scratch.replace(first, b"uno")
    scratch.assign([(first, "train"), (second, "test")])

    assert scratch.row_with(b"k1") == (first, b"uno")
    assert scratch.row_with(b"k3") is None
    assert list(scratch.payloads()) == [("train", b"uno"), ("test", b"two")]


def test_a_fact_is_left_out_once_and_only_where_no_row_has_it(tmp_path: Path) -> None:
    """Any reason says more than `unused`; a fact that one builder refused and another took is not left out."""
    scratch = Scratch(tmp_path / "scratch")
    scratch.leave_out([("signal", "s-1", "unused"), ("signal", "s-1", "improbable"), ("signal", "s-1", "improbable")])
    scratch.leave_out([("feedback", "f-1", "unused"), ("feedback", "f-2", "nothing_changed")])
    scratch.use([("feedback", "f-2")])

    assert [tuple(one) for one in scratch.left_out()] == [
        ("feedback", "f-1", "unused"),
        ("signal", "s-1", "improbable"),
    ]


def test_users_runs_and_bands_are_remembered(tmp_path: Path) -> None:
    """Counts by user, runs by hash, signatures by any of their bands."""
    scratch = Scratch(tmp_path / "scratch")
    scratch.count_user("u")
    scratch.count_user("u")
    scratch.add_runs([1, -5])
    scratch.remember(1, (7, 8), b"sig")

    assert (scratch.rows_of_user("u"), scratch.rows_of_user("v")) == (2, 0)
    assert scratch.is_evaluated([9, -5])
    assert not scratch.is_evaluated([2])
    assert list(scratch.signatures_near((8, 9))) == [b"sig"]
    assert list(scratch.signatures_near((9,))) == []
    assert list(scratch.signatures_near((8, 9), 2)) == []


def test_a_crowded_band_is_looked_at_up_to_a_limit(tmp_path: Path) -> None:
    """So that a million texts of one mould are not compared with each other."""
    scratch = Scratch(tmp_path / "scratch")
    for number in range(MOST_IN_BAND + 5):
        scratch.remember(number + 1, (7,), str(number).encode())

    assert list(scratch.signatures_near((7,))) == [str(number).encode() for number in range(MOST_IN_BAND)]
    assert len(list(scratch.signatures_near((7, 9), 2))) == MOST_IN_BAND
