"""Where the data directory may lie."""

import re
from pathlib import Path

import pytest

from backtalk.settings.directory import data_directory


@pytest.mark.parametrize("name", ["backtalk-data", "two words", "Überraum", "a'b\"c", "x:y;z&{1}~$+<`"])
def test_a_name_that_every_store_can_read_is_taken_as_it_was_given(name: str) -> None:
    """Spaces, quotes and letters of any alphabet are no hindrance."""
    assert data_directory(Path(name)) == Path(name)


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("[a]", "[ ]"),
        ("p%20q", "%"),
        ("a#b", "#"),
        ("a?b", "?"),
        ("a*b", "*"),
        ("a^b", "^"),
        ("a|b", "|"),
        ("a\tb", r"\t"),
    ],
)
def test_a_name_that_some_store_reads_as_another_is_refused_with_the_characters(name: str, mark: str) -> None:
    """The message says which characters are in the way."""
    with pytest.raises(ValueError, match=re.escape(f"has {mark} in its name")):
        data_directory(Path("x") / name)


def test_the_directories_above_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harmless relative name below a directory that cannot be read is refused."""
    (tmp_path / "[a]").mkdir()
    monkeypatch.chdir(tmp_path / "[a]")
    with pytest.raises(ValueError, match="in its name"):
        data_directory(Path("backtalk-data"))


def test_bytes_that_are_no_utf8_are_refused_in_words_that_can_be_printed() -> None:
    """A name of other bytes is shown escaped."""
    with pytest.raises(ValueError, match="udcff") as refused:
        data_directory(Path("a\udcffb"))
    assert str(refused.value).isascii()
