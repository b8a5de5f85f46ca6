"""Agreement of reviewers, against figures that are known."""

import pytest

from backtalk.quality.agreement import agreement

PUBLISHED = {
    "1": (1, 1, None, 1),
    "2": (2, 2, 3, 2),
    "3": (3, 3, 3, 3),
    "4": (3, 3, 3, 3),
    "5": (2, 2, 2, 2),
    "6": (1, 2, 3, 4),
    "7": (4, 4, 4, 4),
    "8": (1, 1, 2, 1),
    "9": (2, 2, 2, 2),
    "10": (None, 5, 5, 5),
    "11": (None, None, 1, 1),
    "12": (None, None, 3, None),
}
"""The data of Krippendorff 2011, section C: four observers, twelve units; alpha (nominal) is .743."""


def test_alpha_is_the_published_one() -> None:
    """With missing labels and a unit that only one observer saw, which says nothing of agreement."""
    labels = {unit: {str(n): value for n, value in enumerate(values)} for unit, values in PUBLISHED.items()}
    found = agreement(labels)
    assert found.alpha is not None
    assert found.alpha.value == pytest.approx(0.743, abs=0.0005)
    assert found.alpha.low < found.alpha.value <= found.alpha.high
    assert (found.agreed.cases, round(found.agreed.value * 11)) == (11, 8)


def test_without_answers_that_two_labelled_nothing_is_known() -> None:
    """An honest blank: the interval is everything."""
    found = agreement({"a": {"ann": True}, "b": {"ann": True, "bob": None}, "c": {}})
    assert (found.agreed.cases, found.agreed.low, found.agreed.high, found.alpha) == (0, 0.0, 1.0, None)


def test_where_all_labels_are_one_value_chance_cannot_be_told() -> None:
    """Everything agrees, and alpha has nothing to be measured against."""
    found = agreement({str(n): {"ann": True, "bob": True} for n in range(9)})
    assert (found.agreed.value, found.alpha) == (1.0, None)


def test_true_and_one_are_two_labels() -> None:
    """A boolean is no number, though Python thinks so."""
    assert agreement({"a": {"ann": True, "bob": 1}}).agreed.value == 0.0


def test_perfect_agreement_is_one_and_contradiction_is_below_chance() -> None:
    """The ends of the scale."""
    good = agreement({str(n): {"ann": n % 2 == 0, "bob": n % 2 == 0} for n in range(10)})
    bad = agreement({str(n): {"ann": n % 2 == 0, "bob": n % 2 == 1} for n in range(10)})
    assert good.alpha is not None
    assert bad.alpha is not None
    assert good.alpha.value == 1.0
    assert bad.alpha.value < 0
