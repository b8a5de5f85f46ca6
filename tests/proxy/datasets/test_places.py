"""Places between 0 and 1."""

from hypothesis import given
from hypothesis import strategies as st

from backtalk.datasets.places import place


@given(st.text(), st.text())
def test_a_place_is_from_0_to_before_1_and_the_same_again(seed: str, name: str) -> None:
    """Whatever the words."""
    assert 0 <= place(seed, name) < 1
    assert place(seed, name) == place(seed, name)


def test_places_are_even_and_another_seed_gives_others() -> None:
    """A tenth of the names lies in each tenth, near enough."""
    tenths = [sum(int(place("a", str(number)) * 10) == tenth for number in range(2_000)) for tenth in range(10)]
    assert min(tenths) > 150
    assert place("a", "x") != place("b", "x")
