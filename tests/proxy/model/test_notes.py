"""What the relay notes of a call."""

from backtalk.model.notes import CallNotes


def test_first_failure_stands() -> None:
    """What failed first is why the call ended; later failures follow from it."""
    notes = CallNotes("00-parent", "state")
    notes.fail("upstream_timeout", "too slow")
    notes.fail("client_disconnected", "the client left")
    assert (notes.outcome, notes.error) == ("upstream_timeout", "too slow")


def test_notes_start_empty() -> None:
    """Nothing is known of the upstream before it was asked."""
    notes = CallNotes("00-parent", "state")
    assert (notes.asked_ns, notes.answered_ns, notes.upstream, notes.outcome, notes.error) == (
        None,
        None,
        "",
        None,
        None,
    )
