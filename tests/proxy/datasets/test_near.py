"""Near texts are found by their bands."""

from hypothesis import given
from hypothesis import strategies as st

from backtalk.datasets.near import BANDS, bands, least_shared, likeness, signature

LONG = " ".join(f"word{number} and some more of it" for number in range(60))


def test_a_changed_word_is_near_and_another_text_is_not() -> None:
    """Near texts share a band and most numbers; others neither."""
    near, far = LONG.replace("word30", "term30"), " ".join(f"other{number * 7} things" for number in range(120))

    assert likeness(signature(LONG), signature(near)) >= 0.9
    assert set(bands(signature(LONG))) & set(bands(signature(near)))
    assert likeness(signature(LONG), signature(far)) < 0.3


@given(st.text())
def test_white_space_and_case_do_not_count(text: str) -> None:
    """Whatever the text, the signature is whole."""
    assert len(signature(text)) == 64
    assert signature(f"  {text}\n") == signature(text)


def test_equal_texts_are_entirely_alike() -> None:
    """Short ones too."""
    assert likeness(signature("yes"), signature("Yes ")) == 1


def test_a_script_without_spaces_is_compared_too() -> None:
    """Its shingles begin everywhere."""
    text = "".join(chr(0x4E00 + number * 37 % 2_000) for number in range(400))
    near, far = text[:200] + "\u4e01" + text[201:], "".join(chr(0x5E00 + number * 41 % 2_000) for number in range(400))
    assert likeness(signature(text), signature(near)) >= 0.9
    assert likeness(signature(text), signature(far)) < 0.3


def test_short_texts_that_differ_in_a_word_are_told_apart() -> None:
    """A question with another number is another question."""
    first, second = ("Please say what order 71 means for the account of a person", "Please say what order 92 is about")
    assert likeness(signature(first), signature(second)) < 0.9


@given(
    st.lists(st.integers(0, 9), min_size=64, max_size=64),
    st.sets(st.integers(0, 63), max_size=20),
    st.sampled_from([0.5, 0.7, 0.75, 0.8, 0.9, 0.95, 1.0]),
)
def test_what_is_alike_shares_so_many_bands(numbers: list[int], changed: set[int], limit: float) -> None:
    """Two signatures that reach the limit share the stated number of bands, whichever numbers differ."""
    other = [number + (at in changed) for at, number in enumerate(numbers)]
    shared = sum(one == two for one, two in zip(bands(numbers), bands(other), strict=True))
    if likeness(numbers, other) >= limit:
        assert shared >= least_shared(limit)
    assert least_shared(1.0) == BANDS
