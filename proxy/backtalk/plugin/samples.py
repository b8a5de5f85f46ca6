"""What a builder of samples gets and gives: one prompt with all that was said of its answers, and rows of a dataset.

In: a `Prompt`, made by the host from the ledger. Out: `Sample`s and `Unfit`s. The one rule: a sample names every fact
that it stands on, each with the rule that used it and the weight that it adds; all values are frozen.
"""

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol, runtime_checkable

import msgspec

from backtalk.model.chat import Message
from backtalk.model.facts import Scalar
from backtalk.model.ids import CallKey

SampleKind = Literal["prompt_completion", "preference", "unpaired_preference", "prompt_only", "eval_case"]
"""The shapes of training data by their names in TRL, and cases of an evaluation."""

FactName = Literal["feedback", "signal"]
"""Which table a fact stands in."""


class Evidence(msgspec.Struct, frozen=True):
    """One fact about an answer: what it says of the answer's success, as log-odds; 0 says nothing."""

    fact: FactName
    id: str
    kind: str
    """The kind of the feedback or of the signal."""
    log_odds: float
    value: Scalar = None
    """A feedback's value where it is a scalar; a signal's probability."""
    source: str = ""
    """Who said it; empty for signals."""
    shown_by: CallKey | None = None
    """The call that showed a signal."""
    rank: int | None = None
    """The place in a ranking, from 0 for the best; equal ranks tie."""
    measure: str = ""
    """The name of the weight that it counts with; empty where it has none."""
    amount: float = 0.0
    """How much of that weight: from -1 to 1 on a scale, a signal's probability, else 1."""
    of_session: bool = False
    """Whether it was said of the whole session, of which this was the last answer."""


class Replacement(msgspec.Struct, frozen=True):
    """What somebody put in an answer's place: a correction, or the text with which the app went on."""

    fact: FactName
    id: str
    message: Message
    probability: float = 1.0
    shown_by: CallKey | None = None


class Answer(msgspec.Struct, frozen=True):
    """One answer to the prompt and everything that counts about it; a call with n > 1 has one for each choice."""

    key: CallKey
    opened_ns: int
    model: str
    message: Message
    evidence: tuple[Evidence, ...] = ()
    replacements: tuple[Replacement, ...] = ()
    metric_values: tuple[tuple[str, Scalar], ...] = ()
    choice: int | None = None
    """Which one of several that one call gave; None where it gave one."""

    @property
    def log_odds(self) -> float:
        """The sum of the evidence: above 0 the answer served more likely than not."""
        return sum(one.log_odds for one in self.evidence)

    @property
    def quality(self) -> float:
        """The probability that the answer served, in 0..1; 0.5 where nothing is known."""
        return 1 / (1 + math.exp(-self.log_odds))


class Prompt(msgspec.Struct, frozen=True):
    """One conversation up to an answer, and every answer to it of which something is known, oldest first."""

    messages: tuple[Message, ...]
    tools_json: str | None
    answers: tuple[Answer, ...]


class Reason(msgspec.Struct, frozen=True):
    """A fact that a sample stands on, the rule that used it, and how much it adds to the weight, in 0..1."""

    fact: FactName
    id: str
    rule: str
    weight: float


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row to be: which fields are set follows from `kind`."""

    kind: SampleKind
    prompt: tuple[Message, ...]
    reasons: tuple[Reason, ...]
    calls: tuple[CallKey, ...]
    completion: Message | None = None
    """The answer to learn; the chosen one of a preference."""
    rejected: Message | None = None
    label: bool | None = None
    """Whether the completion of an unpaired preference is wanted."""
    margin: float | None = None
    """By how many log-odds the chosen answer is better, where both were judged."""
    reference: Message | None = None
    """What a right answer is, for a case or a reward function."""
    tag: str = ""
    """What kind of case: failed, golden or regression."""
    tools_json: str | None = None

    @property
    def weight(self) -> float:
        """The chance that at least one fact holds; one that several rules used counts once, by its largest weight."""
        by_fact: dict[tuple[str, str], float] = {}
        for reason in self.reasons:
            name = (reason.fact, reason.id)
            by_fact[name] = max(by_fact.get(name, 0.0), reason.weight)
        return 1 - math.prod(1 - weight for weight in by_fact.values())


class Unfit(msgspec.Struct, frozen=True):
    """A fact that makes no sample with this builder, and why: a stable word."""

    fact: FactName
    id: str
    reason: str


@runtime_checkable
class SampleBuilder(Protocol):
    """Makes samples of one kind. Pure: the same prompt gives the same samples."""

    name: ClassVar[str]
    api: ClassVar[int]
    version: ClassVar[str]
    sample_kind: ClassVar[SampleKind]

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """What one prompt gives; nothing where its facts are none of this builder's business."""
        ...


@runtime_checkable
class Redactor(Protocol):
    """Takes out of a text what no dataset may hold. Pure, and the same however often it is applied."""

    name: ClassVar[str]
    api: ClassVar[int]
    version: ClassVar[str]

    def redact(self, text: str) -> str:
        """The text as it may be kept."""
        ...
