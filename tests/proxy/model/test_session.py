"""What a detector sees of a session is frozen, and complete without any history."""

import msgspec
import pytest

from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.model.session import SessionView, Turn


def test_first_call_sees_no_history() -> None:
    """Nothing came before: no parent, no sibling, no turns."""
    view = SessionView(session_id="s", rule="new", confidence=1.0)
    assert (view.parent, view.sibling, view.earlier, view.user_text, dict(view.evidence)) == (None, None, (), "", {})


def test_view_cannot_be_changed_by_a_detector() -> None:
    """Detectors share it, so none may write to it."""
    turn = Turn(key=CallKey(TraceId("a" * 32), SpanId("b" * 16)), opened_ns=1)
    view = SessionView(session_id="s", rule="next_turn", confidence=1.0, parent=turn)
    for value in (turn, view):
        with pytest.raises(AttributeError):
            setattr(value, value.__struct_fields__[0], None)


def test_view_survives_encoding() -> None:
    """A replay sees what the detector saw."""
    view = SessionView(session_id="s", rule="repeat", confidence=0.9, user_text="hi", evidence={"similarity": 0.5})
    assert msgspec.json.decode(msgspec.json.encode(view), type=SessionView) == view
