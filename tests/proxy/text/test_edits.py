"""How far a correction is from what it corrects."""

from hypothesis import given
from hypothesis import strategies as st

from backtalk.text.edits import MAX_CHANGES, MAX_CHARS, Change, edited

_WORDS = st.lists(st.sampled_from(["a", "b", "cc", "dé"]), max_size=12).map(" ".join)


@given(_WORDS, _WORDS)
def test_a_distance_and_a_share_are_between_none_and_all(before: str, after: str) -> None:
    """The same text is at no distance, and all of it is kept."""
    found = edited(before, after)
    assert 0 <= found.distance <= 1
    assert 0 <= found.share_kept <= 1
    assert (found.distance == 0) == (before == after)
    assert edited(before, before) == (0.0, 1.0, ())


@given(_WORDS, _WORDS)
def test_the_changes_make_the_one_of_the_other(before: str, after: str) -> None:
    """As many words go and come as the two texts differ by."""
    found = edited(before, after)
    gone = sum(len(change.before.split()) for change in found.changes)
    new = sum(len(change.after.split()) for change in found.changes)
    assert len(before.split()) - gone == len(after.split()) - new


def test_what_was_changed_is_named() -> None:
    """A word in place of another, and the rest kept."""
    found = edited("the capital is Sydney", "the capital is Canberra")
    assert found.changes == (Change("replace", "Sydney", "Canberra"),)
    assert found.share_kept == 0.75


def test_long_texts_are_compared_by_their_beginnings() -> None:
    """A megabyte costs no more than the limit does."""
    long = "word " * MAX_CHARS
    assert edited(long, long + "more").distance == 0.0
    assert len(edited("a b " * 5_000, "a c " * 5_000).changes) == MAX_CHANGES
