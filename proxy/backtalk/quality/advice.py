"""What to instrument next: sentences from counts, those about the most calls first.

In: segments and what became of feedback. Out: `Advice`. The one rule: each names how many calls it is about, and one
thing that can be done today.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from backtalk.quality.coverage import Segment

ENOUGH: Final = 20
"""Below so many calls a segment is too small for advice."""
RARE: Final = 0.01
"""Explicit feedback on a smaller share of answers is said to be rare."""


class Advice(NamedTuple):
    """One thing to do, and how many calls or feedback it is about."""

    calls: int
    code: str
    about: str
    finding: str
    action: str


def advise(main: Sequence[Segment], total: Segment, lost: Iterable["Lost"]) -> list[Advice]:
    """Everything worth doing, by traffic."""
    found = [one for segment in main for one in _of_segment(segment)]
    by_status: dict[str, list[Lost]] = {}
    for each in lost:
        by_status.setdefault(each.status, []).append(each)
    found += [_of_lost(status, each) for status, each in by_status.items()]
    if total.counts["calls"] >= ENOUGH and not total.counts["gold"]:
        found.append(_gold(total))
    return sorted(found, key=lambda one: (-one.calls, one.code, one.about))


class Lost(NamedTuple):
    """Feedback that has not found its call."""

    key: str
    """Which field named the call."""
    status: str
    feedback: int


def _of_segment(segment: Segment) -> list[Advice]:
    counts, calls = segment.counts, segment.counts["calls"]
    if calls < ENOUGH:
        return []
    where, told = place(segment), counts["explicit"] + counts["of_session"]
    found: list[Advice] = []
    if not told and not counts["outcome"]:
        found.append(_silent(calls, where))
    elif counts["explicit"] < RARE * calls and not counts["outcome"]:
        finding = f"{counts['explicit']:,} of {calls:,} calls of {where} have explicit feedback"
        found.append(Advice(calls - counts["explicit"], "rare_feedback", where, finding, _ASK))
    if told and not counts["outcome"]:
        finding = f"nothing says how the {calls:,} calls of {where} turned out"
        found.append(Advice(calls - told, "no_outcome", where, finding, _OUTCOME))
    if 2 * counts["sessionless"] > calls:
        finding = f"{counts['sessionless']:,} calls of {where} stand in no session, so no signal can be about them"
        found.append(Advice(counts["sessionless"], "no_session", where, finding, _SESSION))
    elif not counts["implicit"]:
        finding = f"the traffic has shown nothing about {calls:,} calls of {where}"
        found.append(Advice(calls, "no_signal", where, finding, _SIGNAL))
    return found


def place(segment: Segment) -> str:
    """The segment in words: the model, by which path, by which route."""
    values = segment.values
    route = f" by the route {values['route']}" if values.get("route") else ""
    return f"{values.get('model') or 'no model'} via {values.get('path') or values.get('api')}{route}"


def _silent(calls: int, where: str) -> Advice:
    return Advice(calls, "no_feedback", where, f"{calls:,} calls of {where} have no feedback", _KEY)


def _gold(total: Segment) -> Advice:
    calls = total.counts["calls"]
    finding = f"no reviewer has labelled any of {calls:,} calls, so no figure can be checked against the truth"
    return Advice(calls, "no_gold", "all calls", finding, _LABEL)


def _of_lost(status: str, lost: Iterable[Lost]) -> Advice:
    """One step for all keys: what is to be done is the same."""
    lost = sorted(lost, key=lambda one: (-one.feedback, one.key))
    count, keys = sum(one.feedback for one in lost), ", ".join(one.key for one in lost)
    apart = ", ".join(f"{one.feedback:,} by {one.key}" for one in lost)
    said = f"{count:,} feedback by {keys}" if len(lost) == 1 else f"{count:,} feedback ({apart})"
    if status == "ambiguous":
        return Advice(count, "ambiguous_feedback", keys, f"{said} fit several calls and count for none", _EXACT)
    if status == "rejected":
        finding = f"{said} are rejected by their call and count for none"
        return Advice(count, "rejected_feedback", keys, finding, _REASON)
    return Advice(count, "pending_feedback", keys, f"{said} have not found their call", _SAME_KEY)


_KEY: Final = (
    "keep the x-trace-id header (or the response's own id) of each answer, and send it back with the user's thumb: "
    'POST /v1/feedback {"trace_id": ..., "kind": "rating", "value": true}'
)
_ASK: Final = (
    "show thumbs at the end of an answer, and send events (copied, accepted, edited), which cost users nothing"
)
_OUTCOME: Final = (
    'report what became of it: POST /v1/feedback {"trace_id": ..., "kind": "outcome", "metric": "resolved", '
    '"value": true}, or `backtalk feedback import FILE` from the system that knows'
)
_SESSION: Final = "name the conversation in the x-session-id header, or send the whole history as chat clients do"
_SIGNAL: Final = (
    "if it is a chat, send the whole history or an x-session-id header; if programs ask, report an outcome "
    'with kind "outcome"'
)
_LABEL: Final = (
    "set `feedback.audit.enabled`, and have a reviewer label what is drawn with `backtalk review`: a small random "
    "sample calibrates everything else"
)
_EXACT: Final = "name one call by its x-request-id header as `request_id`, not the trace that several calls share"
_REASON: Final = (
    "read one with GET /v1/feedback or `backtalk traces show`: `reason` and `message` say what is wrong with it"
)
_SAME_KEY: Final = "send feedback with the API key of the call itself, and the key of the answer word for word"
