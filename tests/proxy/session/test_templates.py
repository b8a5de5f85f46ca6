"""Templates: rows in an app's frame are nobody's rewordings."""

from backtalk.session.templates import is_template
from backtalk.testing import factories
from backtalk.testing.sessions import Book, arrival


def test_rows_of_a_template_are_no_edits() -> None:
    """An app that streams one row after another repeats its frame, not itself."""
    book = Book()
    frame = "Translate the following customer message into French, politely: "
    rows = ("the parcel is late", "the parcel was late", "my parcel is late", "the parcel is too late")
    rules = [book.answered(factories.opened(frame + row, at_s=9 * n)).rule for n, row in enumerate(rows)]
    assert rules[-2:] == ["new", "new"]


def test_texts_that_differ_in_numbers_alone_are_a_series() -> None:
    """However short its frame is."""
    book = Book()
    rules = [book.answered(factories.opened(f"Read page {n} of 20", at_s=9 * n)).rule for n in range(1, 5)]
    assert rules[-2:] == ["new", "new"]


def test_a_person_has_no_template() -> None:
    """Two questions about one thing are not many rows in one frame."""
    recent = [factories.opened(text) for text in ("Where is my parcel today?", "Where is my parcel by now?")]
    book = Book()
    seen = [book.store.arrive(arrival(call)) for call in recent]

    assert not is_template(arrival(factories.opened("Where is my parcel please?")), seen[-1].recent)
