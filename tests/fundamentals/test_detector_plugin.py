"""How to write a detector: a class with three attributes and one method, and nothing to inherit from."""

from collections.abc import Sequence
from typing import ClassVar

from backtalk.plugin import CallClosed, CallOpened, SessionView, Signal
from backtalk.testing.conformance import check_detector
from backtalk.testing.dialogue import Dialogue, Stage


class Shouting:
    """Claims that an answer made the person shout."""

    name: ClassVar[str] = "shouting"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:
        """Capitals in the turn after an answer are about that answer."""
        if not isinstance(fact, CallOpened) or session.parent is None or not session.user_text.isupper():
            return ()
        return (Signal("shouting", session.parent.key, 0.5, {"chars": len(session.user_text)}),)


def test_a_detector_of_ones_own_finds_its_signal() -> None:
    """It looks at one fact in its session; the host adds who showed it, when, and by which version."""
    stage = Stage(detectors=[Shouting()])
    chat = Dialogue(stage)
    about = chat.says("Where is my parcel?")
    shows_it = chat.says("THAT IS NOT WHAT I ASKED")
    (signal,) = stage.signals

    assert (signal.kind, signal.about, signal.shown_by) == ("shouting", about, shows_it)
    assert (signal.detector, signal.detector_version) == ("shouting", "1.0")


def test_the_conformance_suite_tells_whether_it_will_run() -> None:
    """One call in the plugin's own tests."""
    check_detector(Shouting)
