"""Calls whose parent was not found in time: looked up once more, a moment later.

In: calls with the link they got. Out: the calls whose second look is due. The one rule: each call is looked at again
once, by the time of facts, and how many wait is bounded.

A parent may be unknown because another replica has not written it yet, or because its spool was read late. Until the
second look the call has a session of its own; calls that were put into that session meanwhile follow it.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import islice, takewhile
from typing import Final, NamedTuple

from backtalk.clock import NS_PER_S
from backtalk.model.facts import CallOpened, Fact, SessionLinked
from backtalk.model.ids import SpanId
from backtalk.session.store import Arrival, Evidence, SessionStore

LATE_PARENT_NS: Final = NS_PER_S
"""How long an arrival waits for the answer it continues; later answers are not the one."""
SECOND_LOOK_NS: Final = 2 * NS_PER_S
"""How long after that it is looked up again."""
MOST: Final = 4_096
"""Most calls that wait or follow; beyond it the oldest keeps its link."""
LOOKS: Final = 64
"""Most second looks of one round trip."""
AWAITS: Final = "awaits_parent"
"""The entry of a link's evidence that says that a later link may supersede it."""
_FIRST: Final = frozenset({"new", "explicit_session"})
"""The rules of links that need no other call."""


class Missed(NamedTuple):
    """A call and the link that may not hold."""

    fact: CallOpened
    arrival: Arrival
    linked: SessionLinked

    @property
    def again_ns(self) -> int:
        """When it is looked up again."""
        return self.fact.opened_ns + LATE_PARENT_NS + SECOND_LOOK_NS


class LateParents:
    """The calls of one desk that wait for their second look, each with those that were put into its session."""

    def __init__(self) -> None:
        self._missed: OrderedDict[SpanId, Missed] = OrderedDict()
        self._followers: dict[str, list[Missed]] = {}
        self._following: set[SpanId] = set()

    def __contains__(self, span_id: SpanId) -> bool:
        """Whether a call waits."""
        return span_id in self._missed or span_id in self._following

    def concerns(self, session_id: str) -> bool:
        """Whether a session began with a call that waits."""
        return session_id in self._followers

    def add(self, missed: Missed) -> bool:
        """Let a call wait, or follow the one that began its session; False where something had to leave for it."""
        linked = missed.linked
        if linked.rule not in _FIRST:
            if linked.session_id in self._followers:
                self._followers[linked.session_id].append(missed)
                self._following.add(linked.span_id)
        else:
            self._missed[linked.span_id] = missed
            if linked.rule == "new":
                self._followers[linked.session_id] = []
        if len(self._missed) + len(self._following) <= MOST:
            return True
        self._pop(next(iter(self._missed)))
        return False

    def ahead(self, boot_ns: int, most: int) -> list[Missed]:
        """The calls that `due` will give next, up to so many; they wait on."""
        return list(takewhile(lambda missed: _is_due(missed, boot_ns), islice(self._missed.values(), most)))

    def due(self, boot_ns: int) -> tuple[Missed, list[Missed]] | None:
        """The next call to look at again, and its followers; they wait no longer."""
        found = self.ahead(boot_ns, 1)
        return (found[0], self._pop(found[0].linked.span_id)) if found else None

    def _pop(self, span_id: SpanId) -> list[Missed]:
        followers = self._followers.pop(self._missed.pop(span_id).linked.session_id, [])
        self._following.difference_update(follower.linked.span_id for follower in followers)
        return followers


def second_looks(
    late: LateParents,
    store: SessionStore,
    boot_ns: int,
    look_again: Callable[[Missed, Sequence[Missed], Evidence], list[Fact]],
) -> list[Fact]:
    """The second looks that are due. Most find nothing, so many are asked for at once, until one changes a link."""
    found: list[Fact] = []
    known: dict[SpanId, Evidence] = {}
    while (due := late.due(boot_ns)) is not None:
        missed, followers = due
        if missed.fact.span_id not in known:
            ahead = [missed, *late.ahead(boot_ns, LOOKS - 1)]
            every = store.arrive_all([other.arrival for other in ahead])
            known = {other.fact.span_id: evidence for other, evidence in zip(ahead, every, strict=True)}
        if links := look_again(missed, followers, known.pop(missed.fact.span_id)):
            found += links
            known.clear()
    return found


def _is_due(missed: Missed, boot_ns: int) -> bool:
    return boot_ns >= missed.fact.boot_ns + LATE_PARENT_NS + SECOND_LOOK_NS


def awaits(linked: SessionLinked) -> bool:
    """Whether a later link may supersede this one."""
    return linked.evidence.get(AWAITS) is True and not linked.supersedes
