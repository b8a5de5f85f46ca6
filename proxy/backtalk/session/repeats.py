"""The same request again: a client library's retry, a double submit, a fan-out, or a person who wants another answer.

In: an arrival and the earlier calls that asked the same. Out: a place beside one of them, or None.
"""

from typing import Final

from backtalk.session.candidates import Windows, answered, failed, in_flight
from backtalk.session.canonical import typed
from backtalk.session.place import Place
from backtalk.session.store import Arrival, Evidence, Seen
from backtalk.session.templates import is_template

GREETING_CHARS: Final = 14
"""A first text shorter than this is typed by many people: alone it tells nothing of who typed it."""
REPEATS_AN_HOUR: Final = 4
"""A first text asked this often within an hour is no person's."""
DOUBLE_SUBMIT_NS: Final = 700_000_000
_UNKNOWN_CLIENT_CONFIDENCE: Final = 0.8


def repeat(arrival: Arrival, earlier: Evidence, windows: Windows) -> Place | None:
    """Place a request that was asked before within the window."""
    earliest_ns = arrival.opened_ns - windows.repeat_ns
    same = tuple(seen for seen in earlier.repeats if seen.known.opened_ns >= earliest_ns)
    if not same:
        return None
    again = _retried(arrival, same, windows)
    if again is not None:
        return again
    return _first_turn(arrival, same, earlier, windows) if arrival.history.frontier is None else _later(arrival, same)


def _later(arrival: Arrival, same: tuple[Seen, ...]) -> Place | None:
    latest = same[-1]
    if in_flight(latest, arrival):
        return Place("duplicate", 0.9, sibling=latest, relation="duplicate", evidence={"in_flight": True})
    if arrival.history.linear:  # "go on" said twice goes on twice
        return None
    if latest.link is None or (latest.link.parent is None and not arrival.stream):
        return Place("duplicate", 0.9, sibling=latest, relation="duplicate")
    return Place("repeat", 0.97, sibling=latest, evidence={"attempts": len(same)})


def is_retry(attempt: Seen, arrival: Arrival, windows: Windows) -> bool:
    """Whether the earlier attempt failed so shortly before that software, not a person, asks again."""
    return (
        failed(attempt)
        and attempt.ended is not None
        and 0 <= arrival.opened_ns - attempt.ended.closed_ns < windows.retry_ns
    )


def retry(attempt: Seen, *, header: bool) -> Place:
    """A place beside a failed attempt."""
    status = attempt.ended.status if attempt.ended else None
    return Place(
        "automatic_retry",
        0.99,
        sibling=attempt,
        relation="automatic_retry",
        evidence={"retry_header": header, "earlier_status": status},
    )


def is_greeting(text: str) -> bool:
    """Whether a first text is too short to tell who typed it."""
    return len(typed(text)) < GREETING_CHARS


def _retried(arrival: Arrival, same: tuple[Seen, ...], windows: Windows) -> Place | None:
    if arrival.retry_count > 0 and (attempt := _attempt(arrival, same, windows)):
        return retry(attempt, header=True)
    return retry(same[-1], header=False) if is_retry(same[-1], arrival, windows) else None


def _attempt(arrival: Arrival, same: tuple[Seen, ...], windows: Windows) -> Seen | None:
    """The attempt a retry header speaks of: the latest failed one of the same client, else the latest of all."""
    near = [seen for seen in same if seen.known.client_hash == arrival.client_hash] or list(same)
    attempts = [seen for seen in near if is_retry(seen, arrival, windows)]
    latest = (attempts or near)[-1]
    fresh = arrival.opened_ns - latest.known.opened_ns <= 2 * windows.first_repeat_ns
    return latest if attempts or (fresh and not answered(latest)) else None


def _first_turn(arrival: Arrival, same: tuple[Seen, ...], earlier: Evidence, windows: Windows) -> Place | None:
    running = [seen for seen in same if in_flight(seen, arrival)]
    if running:
        anonymous = arrival.stream and is_greeting(arrival.history.user_text) and not _knows_user(arrival)
        if anonymous:
            return None
        return Place("duplicate", 0.9, sibling=running[-1], relation="duplicate", evidence={"in_flight": True})
    latest = same[-1]
    if not arrival.stream:
        if arrival.offers_tools or is_template(arrival, earlier.recent):
            return None
        return Place("duplicate", 0.9, sibling=latest, relation="duplicate", joins_sibling=False)
    if len(same) < REPEATS_AN_HOUR and _again(arrival, latest, windows):
        confidence = 0.97 if _knows_user(arrival) else _UNKNOWN_CLIENT_CONFIDENCE
        return Place("first_turn_repeat", confidence, sibling=latest, evidence={"attempts": len(same)})
    return None


def _again(arrival: Arrival, latest: Seen, windows: Windows) -> bool:
    """Whether the person who asked `latest` seems to ask the same again."""
    gap_ns = arrival.opened_ns - (latest.ended.closed_ns if latest.ended else latest.known.opened_ns)
    return (
        latest.known.stream
        and latest.known.client_hash == arrival.client_hash
        and latest.continued_ns is None
        and arrival.opened_ns - latest.known.opened_ns >= DOUBLE_SUBMIT_NS
        and gap_ns <= windows.first_repeat_ns * (3 if _knows_user(arrival) else 1)
        and (_knows_user(arrival) or not is_greeting(arrival.history.user_text))
    )


def _knows_user(arrival: Arrival) -> bool:
    return arrival.user is not None or arrival.declared is not None
