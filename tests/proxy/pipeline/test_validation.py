"""Whether a dataset is what a pipeline asks for."""

from typing import Any

import pytest

from backtalk.pipeline.sections import Validate
from backtalk.pipeline.validation import Contents, validate

GOOD = Contents(
    rows=100,
    by_split={"train": 90, "test": 10},
    by_owner={"a": 60, "b": 40},
    by_model={"small": 100},
    by_rule={"correction": 80, "edit": 20},
    owners_in_several_splits=0,
    shared_with_evaluation=0,
    evaluation_rows=10,
)


def test_a_good_dataset_passes_every_check() -> None:
    """With the defaults."""
    checks = validate(Validate(), GOOD)
    assert all(one.holds for one in checks)
    assert len({one.name for one in checks}) == len(checks)


@pytest.mark.parametrize(
    ("asked", "found", "name", "said"),
    [
        ({}, {"rows": 49, "by_owner": {}, "by_model": {}, "by_rule": {}}, "rows", "49 rows, 50 are wanted"),
        ({"min_rows_per_split": 11}, {}, "rows_per_split", "train 90, test 10; 11 are wanted in each"),
        ({}, {"by_split": {"train": 100, "test": 0}}, "rows_per_split", "test 0"),
        ({"max_share_of_user": 0.5}, {}, "share_of_user", "one user has 60% of the rows, at most 50% may be"),
        ({"max_share_of_model": 0.9}, {}, "share_of_model", "'small' has 100% of the rows"),
        ({"max_share_of_rule": 0.7}, {}, "share_of_rule", "'correction' has 80% of the rows"),
        ({}, {"owners_in_several_splits": 2}, "splits_apart", "2 users or sessions stand in several splits"),
        ({}, {"shared_with_evaluation": 1}, "evaluation_apart", "1 rows are of calls that the evaluation asks about"),
        ({}, {"evaluation_rows": 9}, "evaluation_rows", "9 rows to evaluate on, 10 are wanted"),
        ({}, {"broken": ["rows/part-00000.parquet"]}, "files", "rows/part-00000.parquet: changed or gone"),
        ({}, {"malformed": ["trl/train.jsonl"]}, "schema", "trl/train.jsonl: not as a format wants it"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_else(
    asked: dict[str, Any], found: dict[str, Any], name: str, said: str
) -> None:
    """Each check alone, with its figures."""
    wrong = [one for one in validate(Validate(**asked), GOOD._replace(**found)) if not one.holds]
    assert [one.name for one in wrong] == [name]
    assert said in wrong[0].sentence


def test_an_empty_dataset_fails_without_a_division() -> None:
    """Nobody has a share of nothing."""
    empty = GOOD._replace(rows=0, by_split={}, by_owner={}, by_model={}, by_rule={}, evaluation_rows=0)
    assert [one.name for one in validate(Validate(), empty) if not one.holds] == ["rows", "evaluation_rows"]
