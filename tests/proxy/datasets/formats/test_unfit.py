"""What is unfit says why."""

from backtalk.datasets.formats.unfit import UnfitError


def test_the_reason_is_the_message() -> None:
    """A traceback says it too."""
    assert (UnfitError("attachments").reason, str(UnfitError("attachments"))) == ("attachments", "attachments")
