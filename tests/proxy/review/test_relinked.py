"""Links that were rebuilt, against those of the ledger."""

from backtalk.ledger.rows import Rows
from backtalk.model.facts import SessionLinked
from backtalk.review.relinked import compare, links_in
from backtalk.testing.dialogue import Dialogue, Stage


def told() -> list[SessionLinked]:
    """The links of a dialogue of three turns."""
    stage = Stage()
    chat = Dialogue(stage)
    for text in ("Tell me of the sea.", "How do the tides work?", "And on a lake?"):
        chat.says(text)
    return links_in(stage.facts)


def test_a_link_that_was_superseded_is_left_out() -> None:
    """The last one of a call holds."""
    first = told()
    second = SessionLinked(first[0].trace_id, first[0].span_id, "other", "next_turn", 0.9, 1, supersedes=True)
    assert second in links_in([*first, second])
    assert len(links_in([*first, second])) == 3


def test_links_are_compared_by_session_parent_and_sibling() -> None:
    """What had none, what stands elsewhere, and what stands as it did."""
    links = told()
    rows = [row for link in links for _, row in Rows(b"secret").of(link)]
    assert compare(links, rows) == (3, 0, 0)
    assert compare(links, [{**rows[0], "session_id": "other"}, rows[1]]) == (1, 1, 1)
