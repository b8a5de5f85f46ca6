"""What a plugin must be, version 1.

A plugin is a class named by an entry point in `backtalk.detectors`, `.annotators`, `.finders`, `.exporters`,
`.lineage_exporters`, `.sample_builders`, `.redactors` or `.trainers`. It states `name`, `api` and `version` as class
attributes; a class attribute `settings_model` (a pydantic model) makes the host validate the section `[plugin.<name>]`
and pass it to the constructor. Values that go in and out are frozen.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Protocol, runtime_checkable

import msgspec

from backtalk.model.facts import CallClosed, CallOpened, Fact, Polarity, Provenance, Scalar
from backtalk.model.ids import CallKey
from backtalk.model.session import SessionView

API_VERSION: Final = 1
"""The version of these protocols; the host also runs plugins of the one before."""


class Signal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a detector claims about an earlier answer; the host adds who showed it, when, and by which detector."""

    kind: str
    about: CallKey
    probability: float
    """How likely it is that the claim holds, in 0..1."""
    evidence: Mapping[str, Scalar] = {}
    """The rule that fired and its features. Words of the conversation go under names that end in `_text`: these are
    left out wherever content is not kept."""
    polarity: Polarity = "negative"
    provenance: Provenance = "structural"


@runtime_checkable
class Detector(Protocol):
    """Finds signals. Pure: no clock, no randomness, no I/O, so that a replay gives the same answers."""

    name: ClassVar[str]
    api: ClassVar[int]
    version: ClassVar[str]

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:
        """Look at one fact in its session; return what it shows, or nothing."""
        ...


class Question(msgspec.Struct, frozen=True):
    """An exchange that a model is to judge: what was asked, what was answered, and what the user said then."""

    about: CallKey
    asked_text: str
    answer_text: str
    next_text: str


@runtime_checkable
class Annotator(Protocol):
    """Asks a model what it thinks of a sampled share of turns.

    Not pure, so never on the worker's way: it is asked in a thread of its own, and a replay takes what is on record.
    """

    name: ClassVar[str]
    api: ClassVar[int]
    version: ClassVar[str]

    @property
    def revision(self) -> str:
        """What a verdict depends on beside the version, such as the model: another one, and it is asked anew."""
        ...

    def question(self, fact: CallOpened, session: SessionView) -> Question | None:
        """What to ask when a call opens, or nothing; cheap and pure."""
        ...

    def annotate(self, question: Question) -> Signal | None:
        """Ask. None where no verdict came of it; a raise counts as a failure. Returns within a time of its own."""
        ...


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something in a text that is to be taken out of it: the characters from `start` to before `end`."""

    kind: str
    """A lower-case word; it stands in the placeholder."""
    start: int
    end: int
    same: str = ""
    """The form under which two values are one, such as an address in lower case; empty: as it stands."""


@runtime_checkable
class Finder(Protocol):
    """Says what in a text is to be taken out before anything behind the spool sees it.

    Pure, so that the same text always becomes the same text; quick, since it reads every text. A raise withholds the
    text.
    """

    name: ClassVar[str]
    api: ClassVar[int]
    version: ClassVar[str]

    def find(self, text: str) -> Sequence[Found]:
        """What is to be taken out of a text; places may overlap."""
        ...


@runtime_checkable
class Exporter(Protocol):
    """Receives every fact at least once, in order, on a cursor of its own; runs in a thread of its own."""

    name: ClassVar[str]
    api: ClassVar[int]
    version: ClassVar[str]

    def export(self, facts: Sequence[Fact]) -> None:
        """Deliver a batch or raise; a raise means the same batch comes again, with growing pauses."""
        ...

    def close(self) -> None:
        """Release what the exporter holds; called once."""
        ...
