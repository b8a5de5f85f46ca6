"""What has been said of which call, and what a new fact therefore changes in a backend.

Pure but for its memory: facts in, steps out, in order. It knows calls by every key that feedback may name, holds
feedback that came before its call, and remembers what was said lately, so that a later word takes the earlier one's
place by the rules that the ledger counts by. Everything is bounded, and what falls out is told to `on_lost`.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

from backtalk.clock import NS_PER_S
from backtalk.model.facts import CallClosed, Fact, FeedbackGiven, SignalFound
from backtalk.plugin.call_index import CallIndex
from backtalk.plugin.feedback_verdicts import of_feedback
from backtalk.plugin.verdicts import Verdict, of_signal

LIMIT: Final = 20_000
"""Most words that are remembered."""
EARLY_LIMIT: Final = 1_000
"""Most feedback that waits for its call."""
_BY_PAGES: Final = ("token", "link")
_TOLD_APART: Final = ("comment", "event")

Voice = tuple[object, ...]
Lost = Literal["no_call", "earlier_unknown"]
"""Why a word reaches no backend: its call never came, or what it takes back is not remembered."""


class Step(NamedTuple):
    """One change: a verdict that is to stand, or to stand no longer."""

    action: Literal["put", "remove"]
    verdict: Verdict


class _Said(NamedTuple):
    feedback: FeedbackGiven
    verdicts: tuple[Verdict, ...]


class VerdictBook:
    """The memory of one exporter."""

    def __init__(self, on_lost: Callable[[Lost], None], *, wait_s: float, limit: int = LIMIT) -> None:
        self._on_lost = on_lost
        self._wait_ns = int(wait_s * NS_PER_S)
        self._limit = limit
        self._index = CallIndex()
        self._said: OrderedDict[tuple[str, str], _Said] = OrderedDict()
        self._voices: OrderedDict[Voice, tuple[str, str]] = OrderedDict()
        self._early: OrderedDict[tuple[str, str], FeedbackGiven] = OrderedDict()

    def steps(self, fact: Fact, *, content: bool) -> Iterator[Step]:
        """What a fact changes; a repeat gives the same."""
        if isinstance(fact, CallClosed):
            self._index.add(fact)
            yield from self._awaited(fact, content=content)
        elif isinstance(fact, SignalFound):
            if fact.replay == 0:
                yield Step("put", self._index.described(of_signal(fact, content=content)))
        elif isinstance(fact, FeedbackGiven):
            yield from self._feedback(fact, content=content)

    def _feedback(self, feedback: FeedbackGiven, *, content: bool) -> Iterator[Step]:
        if feedback.supersedes is not None:
            yield from self._take_back(feedback)
        if feedback.kind == "retraction":
            return
        verdicts = self._verdicts(feedback, content=content)
        if not verdicts:
            self._wait(feedback)
            return
        yield from self._stand(feedback, verdicts)

    def _verdicts(self, feedback: FeedbackGiven, *, content: bool) -> tuple[Verdict, ...]:
        """One for each call that is known; none where it is worth to wait."""
        found = of_feedback(feedback, self._index.target_of, content=content)
        whole = feedback.target_session_id or (feedback.target_trace_id and not feedback.target_parent_span_id)
        if not feedback.calls and whole and not feedback.target_span_id:
            return tuple(map(self._index.described, found))
        return tuple(self._index.described(verdict) for verdict in found if verdict.target is not None)

    def _stand(self, feedback: FeedbackGiven, verdicts: tuple[Verdict, ...]) -> Iterator[Step]:
        """Let it stand, in place of what the same voice said of the same before."""
        name, voice = (feedback.tenant, feedback.feedback_id), _voice(feedback, verdicts)
        before = self._said.get(self._voices.get(voice, ("", "")))
        if before is not None and before.feedback.feedback_id != feedback.feedback_id:
            if _when(feedback) < _when(before.feedback):
                return
            yield from (Step("remove", verdict) for verdict in before.verdicts)
        self._voices[voice] = name
        self._said[name] = _Said(feedback, verdicts)
        for memory in (self._said, self._voices):
            while len(memory) > self._limit:
                memory.popitem(last=False)
        yield from (Step("put", verdict) for verdict in verdicts)

    def _take_back(self, later: FeedbackGiven) -> Iterator[Step]:
        name = (later.tenant, later.supersedes or "")
        if (waits := self._early.get(name)) is not None and _may_take_back(later, waits):
            del self._early[name]
            return
        earlier = self._said.get(name)
        if earlier is None:
            self._on_lost("earlier_unknown")
        elif later.feedback_id != earlier.feedback.feedback_id and _may_take_back(later, earlier.feedback):
            yield from (Step("remove", verdict) for verdict in earlier.verdicts)

    def _wait(self, feedback: FeedbackGiven) -> None:
        self._early[feedback.tenant, feedback.feedback_id] = feedback
        while len(self._early) > EARLY_LIMIT:
            self._early.popitem(last=False)
            self._on_lost("no_call")

    def _awaited(self, call: CallClosed, *, content: bool) -> Iterator[Step]:
        for name, feedback in tuple(self._early.items()):
            if feedback.tenant == call.opened.tenant and (found := self._verdicts(feedback, content=content)):
                del self._early[name]
                yield from self._stand(feedback, found)
            elif call.closed_ns - feedback.given_ns > self._wait_ns:
                del self._early[name]
                self._on_lost("no_call")


def _may_take_back(later: FeedbackGiven, earlier: FeedbackGiven) -> bool:
    """What came with a page's token or a link reaches only what an end user said of the same trace."""
    if later.channel not in _BY_PAGES:
        return True
    same = later.target_trace_id is not None and later.target_trace_id == earlier.target_trace_id
    return same and earlier.source == "end_user"


def _voice(feedback: FeedbackGiven, verdicts: tuple[Verdict, ...]) -> Voice:
    """Who says what kind of thing of what; a comment or an event is a voice of its own."""
    own = feedback.feedback_id if feedback.kind in _TOLD_APART or feedback.calls else None
    who = (feedback.tenant, feedback.source, feedback.rater or feedback.key_id)
    about = (verdicts[0].target, verdicts[0].target_trace_id, verdicts[0].session_id)
    return (own, who, feedback.kind, feedback.metric, about, feedback.choice, feedback.span)


def _when(feedback: FeedbackGiven) -> tuple[int, str]:
    said = feedback.at_ns if feedback.kind == "outcome" else None
    return (feedback.given_ns if said is None else said, feedback.feedback_id)
