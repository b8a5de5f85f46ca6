"""A folder written anew without some rows: as if the other rows alone had been built."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from backtalk.datasets.build import build
from backtalk.datasets.manifest import broken_files, manifest_sha256
from backtalk.datasets.recipe import Recipe, parse_recipe
from backtalk.datasets.rewriting import rewrite
from backtalk.errors import SetupError
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

CANARY: Final = "Kanarienvogel"
TEXTS: Final = (f"What does {CANARY} eat?", "Why is the sky blue?", "How deep is the sea?")
RECIPE: Final = """
builders = ["correction_pairs"]
formats = ["trl_preference", "openai_preference", "hugging_face"]
[split]
shares = {train = 0.5, test = 0.5}
"""


def recipe() -> Recipe:
    """Pairs in two formats and two splits."""
    return parse_recipe("mine", RECIPE)


def built(folder: Path) -> Path:
    """A dataset of three rows."""
    facts: list[Any] = []
    for number, text in enumerate(TEXTS):
        call = stories.closed(call=stories.opened(asked=text))
        target = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
        value = json.dumps(f"{text} Thus.")
        facts += [call, stories.feedback(kind="correction", value_json=value, feedback_id=f"f-{number}", **target)]
    write_facts(folder / "ledger", *facts)
    return build(folder / "ledger", recipe(), folder / "out").folder


def manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder."""
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return found


def number_of(folder: Path, feedback_id: str) -> int:
    """The row that a feedback made."""
    return next(int(row["row"]) for row in manifest(folder)["rows"] if feedback_id in row["feedback_ids"])


def holding(folder: Path, text: str) -> list[str]:
    """The files with a text; Parquet as its rows, since it is compressed."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if text.encode() in path.read_bytes()]


def test_no_byte_of_a_dropped_row_is_left_and_the_others_are_as_they_were(tmp_path: Path) -> None:
    """In every format and split; the manifest names the one before and counts."""
    folder = built(tmp_path)
    assert holding(folder, CANARY)
    new = tmp_path / "new"
    rewrite(folder, new, {number_of(folder, "f-0")})
    before, after = manifest(folder), manifest(new)
    assert holding(new, CANARY) == []
    assert broken_files(new) == broken_files(folder) == []
    assert (after["erased_rows"], after["row_count"]) == (1, 2)
    assert after["previous_manifest_sha256"] == manifest_sha256(folder)
    assert [row["row"] for row in after["rows"]] == [0, 1]
    kept = [row for row in before["rows"] if "f-0" not in row["feedback_ids"]]
    assert [row | {"row": 0} for row in after["rows"]] == [row | {"row": 0} for row in kept]
    assert {"feedback_id": "f-0", "reason": "erased"} in after["left_out"]["facts"]


def test_without_a_dropped_row_every_file_has_the_same_bytes(tmp_path: Path) -> None:
    """Rows go through Parquet and back without a loss."""
    folder = built(tmp_path)
    rewrite(folder, tmp_path / "new", frozenset())
    before, after = manifest(folder), manifest(tmp_path / "new")
    assert after["files"] == before["files"]
    assert after["rows"] == before["rows"]
    assert after["balance"] == before["balance"]


def test_all_rows_may_go(tmp_path: Path) -> None:
    """An empty dataset is one, with its columns."""
    folder = built(tmp_path)
    rewrite(folder, tmp_path / "new", {0, 1, 2})
    assert manifest(tmp_path / "new")["row_count"] == 0
    assert broken_files(tmp_path / "new") == []


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_damaged_folder_is_refused_and_leaves_nothing(tmp_path: Path, damage: str) -> None:
    """Rows that are not there must not look as if they had been erased."""
    folder = built(tmp_path)
    part = folder / "rows" / "part-00000.parquet"
    if damage == "gone":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[:50])
    with pytest.raises(SetupError):
        rewrite(folder, tmp_path / "new", {0})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger", "out"]


def test_what_a_killed_try_left_is_written_over(tmp_path: Path) -> None:
    """Its hidden folder has one name, so that no copy stays."""
    folder = built(tmp_path)
    (tmp_path / ".new.tmp").mkdir()
    (tmp_path / ".new.tmp" / "half").write_text(CANARY)
    rewrite(folder, tmp_path / "new", {number_of(folder, "f-0")})
    assert holding(tmp_path / "new", CANARY) == []
    assert not (tmp_path / ".new.tmp").exists()
