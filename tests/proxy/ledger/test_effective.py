"""What given feedback is worth: the same for a row, whichever others were asked for with it."""

from pathlib import Path

from backtalk.ledger.effective import effective
from backtalk.ledger.reader import LedgerReader
from backtalk.model.facts import FeedbackGiven
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

CALL = stories.closed()
OTHER = stories.closed(response_id="chatcmpl-2")


def said(name: str, *, at_s: int = 0, **fields: object) -> FeedbackGiven:
    """A thumb about the call."""
    plain = {"feedback_id": name, "target_trace_id": CALL.key.trace_id, "rater": "r1"}
    return stories.feedback(**(plain | {"given_ns": stories.NOON_NS + at_s * 10**9} | fields))


def states(root: Path, names: list[str]) -> list[tuple[str, str]]:
    """The states of these alone."""
    reader = LedgerReader(root)
    return [(one.row["feedback_id"], one.state) for one in effective(reader, reader.feedback_by("feedback_id", names))]


def test_what_was_said_later_counts_wherever_it_was_said(tmp_path: Path) -> None:
    """A change of mind by another key of the same call, a successor, a retraction: none of them was asked for."""
    root = write_facts(
        tmp_path / "ledger", CALL, OTHER,
        said("first"),
        said("mind", at_s=5, target_trace_id=None, target_response_id="chatcmpl-1"),
        said("replaced", rater="r2"),
        said("successor", at_s=6, rater="r3", supersedes="replaced"),
        said("taken", rater="r4"),
        said("back", at_s=6, rater="r4", kind="retraction", supersedes="taken", value_json="null"),
        said("early", rater="r5", target_trace_id="e" * 32),
        said("other", rater="r1", target_trace_id=OTHER.key.trace_id),
    )  # fmt: skip
    assert states(root, ["first"]) == [("first", "replaced")]
    assert states(root, ["mind"]) == [("mind", "counts")]
    assert states(root, ["replaced"]) == [("replaced", "superseded")]
    assert states(root, ["taken", "back"]) == [("taken", "retracted")]
    assert states(root, ["early", "other"]) == [("early", "pending"), ("other", "counts")]


def test_what_the_call_rejects_is_rejected(tmp_path: Path) -> None:
    """The call's answers are read beside it."""
    root = write_facts(tmp_path / "ledger", CALL, said("odd", choice=3))
    assert states(root, ["odd"]) == [("odd", "rejected")]


def test_nothing_asked_is_nothing_read(tmp_path: Path) -> None:
    """Also where there is no ledger."""
    assert effective(LedgerReader(tmp_path), []) == []
