"""What is in a built dataset, counted anew."""

import json
from pathlib import Path

import pytest

from backtalk.errors import RequestError
from backtalk.model.chat import Message, Request
from backtalk.model.facts import CallClosed
from backtalk.pipeline.counting import contents
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.ledgers import write_facts


def call(session: str, user: str | None = None) -> CallClosed:
    """A call of a session, and of a user where one is named."""
    request = Request(model="small", messages=(Message("user", "Why?"),), user=user)
    return stories.closed(call=stories.opened(request=request), session_id=session)


CALLS = [call("a", "ada"), call("b", "ada"), call("c"), call("c"), call("d")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger, and an evaluation that asks of the last call."""
    write_facts(tmp_path / "ledger", *CALLS)
    write_dataset(tmp_path / "exam", "exam", [a_row("asked", CALLS[4].key)])
    return tmp_path


def written(folder: Path, *rows: tuple[int, str]) -> Path:
    """A dataset with a row for each number of a call and its split."""
    made = [a_row(f"row {place}", CALLS[number].key) | {"split": split} for place, (number, split) in enumerate(rows)]
    write_dataset(folder / "train", "pairs", made, recipe={"shares": {"train": 0.9, "test": 0.1}})
    return folder / "train" / "pairs.jsonl"


def test_rows_are_counted_by_split_and_owner(folder: Path) -> None:
    """A user's sessions count together; where no user is named the session does."""
    found = contents(
        folder / "ledger", written(folder, (0, "train"), (1, "train"), (2, "train")), folder / "exam" / "exam.jsonl"
    )
    assert (found.rows, found.by_split, found.evaluation_rows) == (3, {"train": 3, "test": 0}, 1)
    assert sorted(found.by_owner.values()) == [1, 2]
    assert (found.owners_in_several_splits, found.shared_with_evaluation) == (0, 0)


def test_leaks_are_found(folder: Path) -> None:
    """An owner in two splits, and a row of a call that the evaluation asks about."""
    found = contents(
        folder / "ledger", written(folder, (2, "train"), (3, "test"), (4, "train")), folder / "exam" / "exam.jsonl"
    )
    assert (found.owners_in_several_splits, found.shared_with_evaluation) == (1, 1)


def test_a_file_that_is_not_as_its_format_is_found(folder: Path) -> None:
    """Too few lines, or a line that is no row."""
    path = written(folder, (0, "train"), (1, "train"))
    document = json.loads(path.with_name("pairs.jsonl.manifest.json").read_text())
    for content in (json.dumps({"text": "x"}) + "\n", "[]\n[]\n", "{\n{\n"):
        path.write_text(content)
        path.with_name("pairs.jsonl.manifest.json").write_text(json.dumps(document))
        assert list(contents(folder / "ledger", path, path).malformed) == ["pairs.jsonl"]


def test_what_is_no_dataset_is_refused(folder: Path) -> None:
    """With its path."""
    with pytest.raises(RequestError, match="there is no manifest"):
        contents(folder / "ledger", folder, folder)
