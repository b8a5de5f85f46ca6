"""Finds assistant edits: an app sent an answer back with other words in it than the model had given.

What came back is the correction a person wrote, so the pair (given, sent back) is worth more than most signals. An
answer that came back cut short is no edit, and neither is one that was stopped and came back as far as it had got.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import ClassVar, Final

from backtalk.plugin import CallClosed, CallOpened, Scalar, SessionView, Signal

_PROBABILITY: Final = 0.95
_EVIDENCE_CHARS: Final = 300


class AssistantEdit:
    """Claims that the parent's answer was edited before the conversation went on."""

    name: ClassVar[str] = "assistant_edit"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.1"

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:
        """The session decision has found the parent by what stands before the edited answer."""
        if not isinstance(fact, CallOpened) or session.rule != "assistant_edited" or session.parent is None:
            return ()
        shown = session.evidence.get("shown_text")
        evidence = _edit(session.parent.answer_text, shown) if isinstance(shown, str) else {}
        return (Signal("assistant_edit", session.parent.key, _PROBABILITY * session.confidence, evidence),)


def _edit(given: str, edited: str) -> dict[str, Scalar]:
    """The edited text and how far it is from the given one, by words, as far as both are kept."""
    before, after = given.split(), edited.split()
    diff = SequenceMatcher(None, before, after, autojunk=False)
    kept = sum(block.size for block in diff.get_matching_blocks())
    return {
        "edited_text": edited[:_EVIDENCE_CHARS],
        "similarity": round(diff.ratio(), 4),
        "removed_words": len(before) - kept,
        "added_words": len(after) - kept,
    }
