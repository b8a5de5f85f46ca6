"""How often a session ended on an answer: a rate beside its baseline, never a verdict on one answer.

In: rows of calls and links. Out: shares by group. The one rule: all is counted in the time of facts, so the same rows
give the same figures: an answer ended its session where no later call of it came within the wait, and is undecided
where the rows do not reach that far. People also leave because they have what they wanted; only a difference says
something.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from backtalk.detect.links import SURE
from backtalk.quality.intervals import Share, wilson

Row = Mapping[str, Any]
_NOBODYS: Final = frozenset({"auxiliary", "automatic_retry", "duplicate", "not_chat", "no_state"})
"""Rules of calls whose answers no person reads as the next of a dialogue."""


class Abandonment(NamedTuple):
    """Of one group's answers, the share that ended their session; the interval counts sessions, not answers."""

    group: str
    share: Share
    ended: int
    undecided: int
    """Answers that came too late in the range to tell."""


class _Answer(NamedTuple):
    call: Row
    session_id: str
    ended: bool | None


def abandonment(
    calls: Iterable[Row], signals: Iterable[Row], wait_ns: int, group_of: Callable[[Row], str]
) -> tuple[Abandonment, list[Abandonment]]:
    """The baseline over all answers, and each group's share, the largest group first."""
    answers = list(_answers(list(calls), _links(signals), wait_ns))
    groups: defaultdict[str, list[_Answer]] = defaultdict(list)
    for answer in answers:
        groups[group_of(answer.call)].append(answer)
    found = [_counted(name, part) for name, part in groups.items()]
    return _counted("all", answers), sorted(found, key=lambda each: (-each.share.cases, each.group))


def _answers(calls: Sequence[Row], links: Mapping[tuple[str, str], Row], wait_ns: int) -> Iterable[_Answer]:
    horizon_ns = max((call["closed_ns"] for call in calls), default=0)
    sessions: defaultdict[str, list[Row]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: (call["opened_ns"], call["span_id"])):
        link = links.get((call["trace_id"], call["span_id"]))
        if link is not None and link["kind"] not in _NOBODYS and link["probability"] >= SURE:
            sessions[link["session_id"]].append(call)
    for session_id, part in sessions.items():
        if len(part) == 1 and not part[0]["stream"]:
            continue  # a program that asks once
        for call, following in zip(part, [*part[1:], None], strict=True):
            if _was_read(call):
                yield _Answer(call, session_id, _ended(call, following, wait_ns, horizon_ns))


def _ended(call: Row, following: Row | None, wait_ns: int, horizon_ns: int) -> bool | None:
    until_ns: int = call["closed_ns"] + wait_ns
    if following is not None and following["opened_ns"] <= until_ns:
        return False
    return True if until_ns <= horizon_ns else None


def _was_read(call: Row) -> bool:
    succeeded = 200 <= call["status"] < 300 and call["outcome"] == "completed"  # HTTP's class of success
    return succeeded and "tool_calls" not in call["finish_reasons"]


def _counted(name: str, answers: Sequence[_Answer]) -> Abandonment:
    decided = [answer for answer in answers if answer.ended is not None]
    ended = sum(answer.ended is True for answer in decided)
    return Abandonment(name, _share(decided, ended), ended, len(answers) - len(decided))


def _share(decided: Sequence[_Answer], ended: int) -> Share:
    """Wilson's interval for as many independent answers as the sessions are worth (ratio estimator, by session)."""
    count = len(decided)
    plain = wilson(ended, count)
    sessions: defaultdict[str, list[bool]] = defaultdict(list)
    for answer in decided:
        sessions[answer.session_id].append(answer.ended is True)
    if len(sessions) < 2 or not 0 < plain.value < 1:  # no spread to be seen
        return plain
    spread = sum((sum(part) - plain.value * len(part)) ** 2 for part in sessions.values())
    variance = spread * len(sessions) / (len(sessions) - 1) / count**2
    worth = min(plain.value * (1 - plain.value) / variance, count) if variance else count
    width = wilson(round(plain.value * worth), max(round(worth), 1))
    return Share(plain.value, min(width.low, plain.value), max(width.high, plain.value), count)


def _links(signals: Iterable[Row]) -> dict[tuple[str, str], Row]:
    """The latest link of each call."""
    links = sorted((row for row in signals if row["fact"] == "link"), key=lambda row: int(row["found_ns"]))
    return {(row["trace_id"], row["span_id"]): row for row in links}
