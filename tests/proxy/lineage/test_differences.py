"""What changed between two datasets, and the facts that made it."""

from pathlib import Path
from typing import Any

from backtalk.lineage import manifests
from backtalk.lineage.differences import LISTED, differences
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset

A, B, C = (stories.a_key() for _ in range(3))


def diff(
    tmp_path: Path, before: list[dict[str, Any]], after: list[dict[str, Any]], *, listed: int = LISTED, **fields: Any
) -> dict[str, Any]:
    """The differences; `fields` are of the later one."""
    found: list[manifests.Manifest] = []
    for name, rows, more in (("one", before, {}), ("two", after, fields)):
        path = write_dataset(tmp_path, name, rows, **more)
        found.append(manifests.Manifest(path))
    return differences(*found, listed=listed)


def test_rows_come_go_and_change_with_their_facts(tmp_path: Path) -> None:
    """A row of the same call with other content is one that changed."""
    before = [a_row("same", A, feedback=["f1"]), a_row("old", B, feedback=["f2"]), a_row("gone", C, feedback=["f3"])]
    after = [a_row("same", A, feedback=["f1"]), a_row("new", B, feedback=["f4"]), a_row("come", signals=["s1"])]
    found = diff(tmp_path, before, after, left_out=[{"feedback_id": "f3", "reason": "retracted"}])
    assert [row["signal_ids"] for row in found["added"]] == [["s1"]]
    assert [(row["feedback_ids"], row["left_out_there"]) for row in found["removed"]] == [(["f3"], {"f3": "retracted"})]
    assert [(one["facts_added"], one["facts_removed"]) for one in found["changed"]] == [(["f4"], ["f2"])]
    assert (found["unchanged"], found["facts_changed"]) == (1, [])


def test_the_same_row_by_more_facts_is_told(tmp_path: Path) -> None:
    """Its content is the same, what speaks for it is not."""
    found = diff(tmp_path, [a_row("same", A, feedback=["f1"])], [a_row("same", A, feedback=["f1", "f2"])])
    assert (found["added"], found["removed"], found["changed"]) == ([], [], [])
    assert [one["facts_added"] for one in found["facts_changed"]] == [["f2"]]


def test_recipe_versions_and_code_are_compared(tmp_path: Path) -> None:
    """Only what is different is listed."""
    more: dict[str, Any] = {"tables": {"feedback": 2}, "parameters": {"min_probability": 0.9}, "code_version": "0.2.0"}
    found = diff(tmp_path, [], [], **more)
    assert found["tables"] == {"feedback": {"before": 1, "after": 2}}
    assert found["recipe"] == {"min_probability": {"before": None, "after": 0.9}}
    assert found["code_version"] == {"code": {"before": "0.1.0", "after": "0.2.0"}}


def test_a_dataset_does_not_differ_from_itself(tmp_path: Path) -> None:
    """Two rows of one call stay two."""
    rows = [a_row("one", A), a_row("two", A)]
    found = diff(tmp_path, rows, rows)
    assert found["unchanged"] == 2
    assert not any(found[name] for name in ("added", "removed", "changed", "facts_changed", "recipe", "tables"))


def test_counts_are_of_all_and_lists_of_the_first(tmp_path: Path) -> None:
    """However large the datasets are, the document is not."""
    found = diff(tmp_path, [], [a_row(f"row {number}", feedback=[f"f{number}"]) for number in range(3)], listed=2)
    assert [row["feedback_ids"] for row in found["added"]] == [["f0"], ["f1"]]
    assert found["counts"] == {"added": 3, "removed": 0, "changed": 0, "facts_changed": 0, "unchanged": 0}
