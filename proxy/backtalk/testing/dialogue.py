"""Dialogues written by hand: what a person does in a chat app becomes calls, and one sees what the desk makes of them.

    stage = Stage()
    chat = Dialogue(stage)
    chat.says("How do tides work?", answer="The moon pulls at the sea.")
    chat.regenerates()
    assert stage.kinds == ["regeneration"]

Time passes as it does for people: some seconds for an answer, some more to read it and type.
"""

from collections.abc import Sequence
from typing import Any, Final

from backtalk.detect.annotations import Annotations
from backtalk.detect.desk import Desk
from backtalk.model.chat import Message
from backtalk.model.facts import CallClosed, CallOpened, CallRelated, Fact, SessionLinked, SignalFound
from backtalk.model.ids import CallKey, SpanId
from backtalk.model.meter import NoMeter
from backtalk.plugin.discovery import load_detectors
from backtalk.plugin.protocols import Detector
from backtalk.session.memory_store import MemorySessionStore
from backtalk.session.store import SessionStore
from backtalk.settings import Settings
from backtalk.testing import factories

SECRET: Final = b"the secret of a hand-written dialogue"
ANSWER_S: Final = 2.0
READ_S: Final = 15.0


class Stage:
    """One desk and one time line, on which any number of dialogues are played."""

    def __init__(
        self,
        store: SessionStore | None = None,
        detectors: Sequence[Detector] | None = None,
        *,
        secret: bytes = SECRET,
        annotations: Annotations | None = None,
    ) -> None:
        self.store = store or MemorySessionStore()
        self._secret, self._annotations = secret, annotations
        self._detectors = load_detectors(Settings().detect.detectors, {}) if detectors is None else detectors
        self.desk = self._new_desk()
        self.now_s = 0.0
        self.facts: list[Fact] = []

    def open(self, call: CallOpened) -> CallKey:
        """A call arrives."""
        self.facts += self.desk.advance(call.boot_ns)
        self.facts += self.desk.opened(call)
        return call.key

    def close(self, call: CallClosed) -> None:
        """A call ends."""
        fact, found = self.desk.closed(call)
        self.facts += [*found, fact]

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now_s += seconds
        self.facts += self.desk.advance(factories.opened(at_s=self.now_s).boot_ns)

    def restart(self, *still_open: CallOpened, ended: Sequence[CallOpened] = ()) -> None:
        """The worker's process is another one; what it held in memory is rebuilt from facts alone."""
        self.desk = self._new_desk()
        for call in still_open:
            self.desk.restore(call, self._last_link(call))
        for call in ended:
            if (link := self._last_link(call)) is not None:
                self.desk.restore_missed(call, link)

    def link(self, call: CallKey) -> SessionLinked:
        """Where a call was put."""
        return next(fact for fact in self.facts if isinstance(fact, SessionLinked) and fact.key == call)

    def _last_link(self, call: CallOpened) -> SessionLinked | None:
        links = [fact for fact in self.facts if isinstance(fact, SessionLinked) and fact.key == call.key]
        return links[-1] if links else None

    @property
    def signals(self) -> list[SignalFound]:
        """Every signal so far."""
        return [fact for fact in self.facts if isinstance(fact, SignalFound)]

    @property
    def kinds(self) -> list[str]:
        """The kind of every signal so far."""
        return [signal.kind for signal in self.signals]

    @property
    def relations(self) -> list[CallRelated]:
        """Every retry and duplicate so far."""
        return [fact for fact in self.facts if isinstance(fact, CallRelated)]

    def _new_desk(self) -> Desk:
        return Desk(
            self.store,
            self._detectors,
            secret=self._secret,
            settings=Settings(),
            metrics=NoMeter(),
            annotations=self._annotations,
        )


class Dialogue:
    """One person in one chat app, which resends the whole history with each call."""

    def __init__(self, stage: Stage, *, instructions: str = "Be helpful.", **app: Any) -> None:
        self.stage = stage
        self.history: list[Message] = []
        self.last: CallKey | None = None
        self.instructions = instructions
        self._app = app

    def says(self, text: str, *, answer: str = "That depends on what you mean by it.", **how: Any) -> CallKey:
        """The person types the next message and gets an answer."""
        self.history.append(factories.user(text))
        return self._call(answer, how)

    def regenerates(self, *, answer: str = "Here is another answer to the same.", **how: Any) -> CallKey:
        """The person asks for another answer to the last message."""
        self._forget_answer()
        return self._call(answer, how)

    def edits(self, text: str, *, answer: str = "An answer to what was edited.", **how: Any) -> CallKey:
        """The person rewrites the last message and sends it again."""
        self._forget_answer()
        self.history[-1] = factories.user(text)
        return self._call(answer, how)

    def edits_answer(self, text: str) -> None:
        """The person rewrites the model's last answer; the app will send it back so."""
        self.history[-1] = factories.assistant(text)

    def _forget_answer(self) -> None:
        if self.history[-1].role == "assistant":
            self.history.pop()

    def _call(self, answer: str, how: dict[str, Any]) -> CallKey:
        """One call: `read_s` before it, `after_s` until it ends; other words go to the call's facts."""
        stage, took_s = self.stage, float(how.pop("after_s", ANSWER_S))
        stage.now_s += how.pop("read_s", READ_S)
        end = {name: how.pop(name) for name in ("status", "outcome") if name in how}
        messages = (factories.system(self.instructions), *self.history)
        arrived = factories.opened(*messages, at_s=stage.now_s, **{**self._app, **how})
        stage.open(arrived)
        stage.now_s += took_s
        if answer:
            self.history.append(factories.assistant(answer))
        stage.close(factories.closed(arrived, answer, after_s=took_s, **end))
        self.last = arrived.key
        return arrived.key


__all__ = ["ANSWER_S", "READ_S", "SECRET", "Dialogue", "SpanId", "Stage"]
