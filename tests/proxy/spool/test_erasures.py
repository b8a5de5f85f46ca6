"""Orders of erasure: durable, without the person's name once they are done."""

from pathlib import Path

import msgspec
import pytest

from backtalk.errors import RequestError, StoreError
from backtalk.spool import erasures

SECRET = b"s" * 32


def ask(data_dir: Path, **fields: str) -> erasures.Order:
    """An order that can be taken, but for `fields`."""
    plain: dict[str, str] = {"by": "user", "subject": "Alice", "actor": "me", "reason": "asked for"}
    return erasures.ask(data_dir, SECRET, **(plain | fields))  # type: ignore[arg-type]


def test_an_order_is_found_again_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    """What it is about stands in it until it is done."""
    first, second = ask(tmp_path), ask(tmp_path, subject="Bob")
    assert erasures.load(tmp_path) == [first, second]
    (path, _) = sorted((tmp_path / "erasures").iterdir(), key=lambda p: p.name != f"{first.id}.json")
    assert path.stat().st_mode & 0o077 == 0


def test_what_is_told_does_not_name_the_person(tmp_path: Path) -> None:
    """A keyed hash does, which nobody can guess who has not the installation's secret."""
    order = ask(tmp_path)
    assert "Alice" not in str(erasures.told(order))
    assert erasures.told(order)["status"] == "ordered"
    assert order.subject_hash == erasures.hash_of(SECRET, "user", "Alice") != erasures.hash_of(b"x", "user", "Alice")
    assert erasures.hash_of(SECRET, "rater", "Alice") != order.subject_hash
    assert erasures.told(msgspec.structs.replace(order, position=1))["status"] == "running"
    assert erasures.told(msgspec.structs.replace(order, position=1, done_ns=2))["status"] == "done"


@pytest.mark.parametrize(
    "fields",
    [{"subject": " "}, {"reason": ""}, {"actor": "x" * 600}, {"subject": "a\nb"}, {"by": "trace", "subject": "nope"}],
)
def test_words_that_cannot_be_taken_are_refused(tmp_path: Path, fields: dict[str, str]) -> None:
    """Nothing is written down."""
    with pytest.raises(RequestError):
        ask(tmp_path, **fields)
    assert erasures.load(tmp_path) == []


def test_an_order_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    """A person whose erasure is forgotten would come back."""
    ask(tmp_path)
    (tmp_path / "erasures" / "0123.json").write_bytes(b"{")
    with pytest.raises(StoreError):
        erasures.load(tmp_path)


def test_where_nothing_can_be_written_nothing_is_ordered(tmp_path: Path) -> None:
    """The caller is told."""
    (tmp_path / "erasures").write_text("a file")
    with pytest.raises(StoreError):
        ask(tmp_path)
