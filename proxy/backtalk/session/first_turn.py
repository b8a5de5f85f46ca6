"""A first turn with no history: it may take the place of the same person's first turn of a moment ago.

In: an arrival without an assistant message and the client's recent first turns. Out: a place, or None. The one rule: a
wrong merge costs more than a missed link, so everything must agree: client, instructions, streaming, time and words.
"""

from collections.abc import Sequence
from typing import Final

from backtalk.clock import NS_PER_S
from backtalk.session.candidates import Windows, answered, same_words
from backtalk.session.canonical import clean, typed
from backtalk.session.place import Place
from backtalk.session.repeats import is_greeting, is_retry, retry
from backtalk.session.store import Arrival, Evidence, Seen
from backtalk.session.templates import is_template
from backtalk.text.pair_model import reformulation

EDIT_PROBABILITY: Final = 0.7
EDIT_NS: Final = NS_PER_S
"""Nobody reads an answer and rewrites the question in less; a program that asks in a row does."""
_QUOTED_CHARS: Final = 8


def first_turn(arrival: Arrival, earlier: Evidence, windows: Windows) -> Place | None:
    """Place a request that has no answer in it beside a recent one like it."""
    if arrival.history.frontier is not None or not arrival.stream:
        return None
    recent = [seen for seen in earlier.recent if _open_end(seen, arrival, windows)]
    for seen in reversed(recent):
        if same_words(seen, arrival) and not is_greeting(arrival.history.user_text):
            if is_retry(seen, arrival, windows):
                return retry(seen, header=arrival.retry_count > 0)
            return Place("first_turn_repeat", 0.8, sibling=seen, evidence={"same_text": True})
    return None if is_template(arrival, earlier.recent) else _edit(arrival, recent)


def auxiliary(arrival: Arrival, earlier: Evidence, windows: Windows) -> Place | None:
    """A title or tag call quotes a first turn and comes with it; it is the app's own, in a session of its own."""
    if arrival.history.frontier is not None or arrival.stream:
        return None
    text = clean(arrival.history.user_text)
    for seen in reversed(earlier.recent_any):
        since_ns = seen.ended.closed_ns if seen.ended else seen.known.opened_ns
        near = 0 <= arrival.opened_ns - since_ns <= windows.auxiliary_ns
        if near and _quotes(text, seen):
            return Place("auxiliary", 0.8, joins_sibling=False, evidence={"auxiliary_to": seen.key.request_id})
    return None


def _open_end(seen: Seen, arrival: Arrival, windows: Windows) -> bool:
    if seen.ended is None or seen.continued_ns is not None or not seen.known.stream:
        return False
    return 0 <= arrival.opened_ns - seen.ended.closed_ns <= windows.first_edit_ns


def _was_read(seen: Seen, arrival: Arrival) -> bool:
    return seen.ended is not None and arrival.opened_ns - seen.ended.closed_ns >= EDIT_NS


def _edit(arrival: Arrival, recent: Sequence[Seen]) -> Place | None:
    text = typed(arrival.history.user_text)
    read = [seen for seen in recent if answered(seen) and _was_read(seen, arrival)]
    scored = [(reformulation(typed(seen.known.user_text), text).probability, seen) for seen in read]
    likely = [(p, seen) for p, seen in scored if p >= EDIT_PROBABILITY and not is_greeting(seen.known.user_text)]
    if not likely:
        return None
    p, sibling = max(likely, key=lambda pair: (pair[0], pair[1].order))
    return Place("first_turn_edit", round(0.9 * p, 3), sibling=sibling, evidence={"reformulation": round(p, 3)})


def _quotes(text: str, seen: Seen) -> bool:
    asked = clean(seen.known.user_text)
    given = clean(seen.ended.answer_text)[:_QUOTED_CHARS] if seen.ended else ""
    if not asked or len(text) <= len(asked) or asked not in text:
        return False
    return len(asked) >= _QUOTED_CHARS or (given != "" and given in text)
