"""What a dataset consists of."""

from backtalk.datasets.balance import NAMED, Balance
from backtalk.datasets.rows import DatasetRow
from backtalk.testing.samples import a_sample


def test_rows_are_counted_by_what_they_are() -> None:
    """Most frequent first, with the mean weight and the facts behind."""
    balance = Balance()
    for split, language in (("train", "de"), ("test", "en"), ("train", "en")):
        balance.add(split, DatasetRow(a_sample(), "m", language))

    assert balance.document() == {
        "split": {"train": 2, "test": 1},
        "rule": {"correction": 3},
        "model": {"m": 3},
        "language": {"en": 2, "de": 1},
        "mean_weight": 1.0,
        "facts": {"feedback": 3, "signals": 0},
    }


def test_of_many_models_the_most_frequent_are_named() -> None:
    """The rest is one figure, so that a manifest stays readable."""
    balance = Balance()
    for number in range(NAMED + 5):
        balance.add("train", DatasetRow(a_sample(), f"m-{number:03d}", "en"))
    assert balance.of("model")["other"] == 5
