"""How far an import is."""

from pathlib import Path

import pytest

from backtalk.errors import RequestError
from backtalk.feedback_import.progress import Progress, Sent, fingerprint

IDS = [f"{number:032x}" for number in range(1, 4)]


def test_an_import_goes_on_where_it_was(tmp_path: Path) -> None:
    """With the instant at which it first began."""
    with Progress(tmp_path / "p", started_ns=5) as first:
        assert first.done_line == 0
        first.add([Sent(2, IDS[0]), Sent(3, ""), Sent(4, IDS[1])])
    with Progress(tmp_path / "p", started_ns=9) as again:
        assert (again.started_ns, again.done_line) == (5, 4)
        again.add([Sent(7, IDS[2])])
        assert list(again.ids()) == [(2, bytes.fromhex(IDS[0])), (4, bytes.fromhex(IDS[1])), (7, bytes.fromhex(IDS[2]))]


def test_one_import_of_a_file_at_a_time(tmp_path: Path) -> None:
    """A second one says so instead of sending everything twice."""
    with Progress(tmp_path / "p", 5), pytest.raises(RequestError, match="another import of this file is running"):
        Progress(tmp_path / "p", 6)


def test_a_torn_end_is_cut_off(tmp_path: Path) -> None:
    """At every byte where a kill may leave it, what was whole before counts and writing goes on."""
    path = tmp_path / "p"
    with Progress(path, 5) as first:
        first.add([Sent(2, IDS[0]), Sent(3, IDS[1])])
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with Progress(path, 5) as torn:
            assert torn.done_line == (2 if size >= 40 else 0)
            torn.add([Sent(9, IDS[2])])
            assert list(torn.ids())[-1] == (9, bytes.fromhex(IDS[2]))


def test_another_file_or_another_reading_of_it_is_another_import(tmp_path: Path) -> None:
    """The name of the file is not asked."""
    one, same, other = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    one.write_bytes(b"x")
    same.write_bytes(b"x")
    other.write_bytes(b"y")
    assert fingerprint(one, "csv") == fingerprint(same, "csv")
    assert len({fingerprint(one, "csv"), fingerprint(other, "csv"), fingerprint(one, "jsonl")}) == 3
