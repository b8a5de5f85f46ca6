"""Whether a built dataset is what a pipeline asks for, before anything is trained on it. Pure.

In: counts of the dataset and of what it shares with the evaluation. Out: checks, each with its figures and a sentence.
The one rule: every check is made, so that one look tells everything that is wrong.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from backtalk.pipeline.sections import Validate


class Contents(NamedTuple):
    """What is in a dataset, as it was counted."""

    rows: int
    by_split: Mapping[str, int]
    by_owner: Mapping[str, int]
    """Rows by the user they are of, or the session where no user is named."""
    by_model: Mapping[str, int]
    by_rule: Mapping[str, int]
    owners_in_several_splits: int
    shared_with_evaluation: int
    """Rows that a call made which made a row of the evaluation, too."""
    evaluation_rows: int
    broken: Sequence[str] = ()
    """Files that are not as the manifest says."""
    malformed: Sequence[str] = ()
    """Files that do not hold the rows of their format."""


class Check(NamedTuple):
    """One condition, and whether it holds."""

    name: str
    holds: bool
    sentence: str


def validate(asked: Validate, found: Contents) -> tuple[Check, ...]:
    """Every check."""
    poor = {name: count for name, count in found.by_split.items() if count < asked.min_rows_per_split}
    return (
        Check("files", not found.broken, _said(found.broken, "every file is as its manifest says", "changed or gone")),
        Check("schema", not found.malformed, _said(found.malformed, "every line is a row", "not as a format wants it")),
        Check("rows", found.rows >= asked.min_rows, f"{found.rows} rows, {asked.min_rows} are wanted"),
        Check(
            "rows_per_split",
            not poor,
            f"rows by split: {_counts(found.by_split)}; {asked.min_rows_per_split} are wanted in each",
        ),
        _largest("user", found.by_owner, found.rows, asked.max_share_of_user, named=False),
        _largest("model", found.by_model, found.rows, asked.max_share_of_model),
        _largest("rule", found.by_rule, found.rows, asked.max_share_of_rule),
        Check(
            "splits_apart",
            not found.owners_in_several_splits,
            f"{found.owners_in_several_splits} users or sessions stand in several splits",
        ),
        Check(
            "evaluation_apart",
            not found.shared_with_evaluation,
            f"{found.shared_with_evaluation} rows are of calls that the evaluation asks about",
        ),
        Check(
            "evaluation_rows",
            found.evaluation_rows >= asked.min_evaluation_rows,
            f"{found.evaluation_rows} rows to evaluate on, {asked.min_evaluation_rows} are wanted",
        ),
    )


def _largest(what: str, counts: Mapping[str, int], rows: int, limit: float, *, named: bool = True) -> Check:
    """Whether nobody has more than a share of the rows; users are not named."""
    name, most = max(counts.items(), key=lambda pair: pair[1], default=("", 0))
    share = most / rows if rows else 0.0
    who = f"{name!r}" if named else f"one {what}"
    return Check(f"share_of_{what}", share <= limit, f"{who} has {share:.0%} of the rows, at most {limit:.0%} may be")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _said(names: Sequence[str], otherwise: str, what: str) -> str:
    return f"{', '.join(names[:5])}: {what}" if names else otherwise
