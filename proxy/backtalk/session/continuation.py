"""A request that resends an answer: it continues that answer, branches beside an earlier continuation, or edits it.

In: an arrival with an assistant message and the calls that gave, continued or might have given it. Out: a place, or
None. The one rule: the history is the evidence; time and client only choose between equals.
"""

from collections.abc import Callable
from typing import Final

from rapidfuzz import fuzz

from backtalk.model.facts import LinkRule, Scalar
from backtalk.session.candidates import Windows, answered, best, children, same_words
from backtalk.session.canonical import clean, typed
from backtalk.session.place import Place
from backtalk.session.repeats import is_retry, retry
from backtalk.session.store import Arrival, Evidence, Seen

OTHER_QUESTION: Final = 0.05
"""What an answer weighs that was given to another question than the one it follows in the request."""
RESEMBLES: Final = 0.5
"""Least likeness of an edited answer to the one that was given, where only the question is known."""
CONTINUED: Final = 0.1
"""What an answer weighs that was continued already: one in ten comes back to it."""
_TOOL_ROLES: Final = frozenset({"tool", "function"})


def continuation(arrival: Arrival, earlier: Evidence, windows: Windows) -> Place | None:
    """Place a request whose last answer is known to have been given."""
    exact = [seen for seen in earlier.producers if answered(seen)]
    if exact:
        return _under(arrival, earlier, exact, _turn_rule(arrival), windows, lambda _: 1.0)
    alike = [seen for seen in earlier.lookalikes if answered(seen)]
    if alike:
        return _under(arrival, earlier, alike, "rewritten_prefix", windows, lambda seen: _asked(seen, arrival))
    return _beside(arrival, earlier, windows)


def edited(arrival: Arrival, earlier: Evidence) -> Place | None:
    """Place a request whose last answer was given otherwise, or not to the end."""
    candidates = [seen for seen in earlier.edited if answered(seen)]
    if candidates:
        parent, share = best(candidates, arrival, lambda seen: max(_likeness(seen, arrival), 0.1) ** 6)
        return _edit(arrival, parent, share)
    asked = typed(arrival.history.asked_text).casefold()
    candidates = [seen for seen in earlier.older if answered(seen) and asked == typed(seen.known.user_text).casefold()]
    if candidates and asked:
        parent, share = best(candidates, arrival)
        return _edit(arrival, parent, 0.9 * share)
    candidates = [seen for seen in earlier.asked if answered(seen) and _likeness(seen, arrival) >= RESEMBLES]
    if candidates:
        parent, share = best(candidates, arrival, lambda seen: _likeness(seen, arrival) ** 6)
        return _edit(arrival, parent, 0.9 * share)
    return None


def _under(
    arrival: Arrival,
    earlier: Evidence,
    candidates: list[Seen],
    rule: LinkRule,
    windows: Windows,
    extra: Callable[[Seen], float],
) -> Place:
    """Choose the answer that is continued; where it has been continued already, branch beside that."""
    family = (*earlier.siblings, *earlier.cousins)
    continued = {seen.span_id: children(seen, family) for seen in candidates}

    def fits(seen: Seen) -> float:
        return extra(seen) * (CONTINUED if continued[seen.span_id] else 1.0)

    parent, share = best(candidates, arrival, fits)
    evidence: dict[str, Scalar] = {"candidates": len(candidates)}
    attempts = continued[parent.span_id]
    if attempts and not arrival.history.linear:
        return _branch(arrival, parent, attempts[-1], share, windows)
    return Place(rule, round(share, 3), parent=parent, evidence=evidence)


def _branch(arrival: Arrival, parent: Seen | None, sibling: Seen, share: float, windows: Windows) -> Place:
    equal = same_words(sibling, arrival)
    if (equal or arrival.retry_count > 0) and is_retry(sibling, arrival, windows):
        return retry(sibling, header=arrival.retry_count > 0)
    rule: LinkRule = "repeat" if equal else "branch"
    return Place(rule, round(0.97 * share, 3), parent=parent, sibling=sibling, evidence={"same_text": equal})


def _beside(arrival: Arrival, earlier: Evidence, windows: Windows) -> Place | None:
    """The answer was never given so, but the same history was continued before: an edited answer continued twice."""
    linked = [seen for seen in earlier.siblings if seen.link is not None and seen.link.parent is not None]
    return _branch(arrival, None, linked[-1], 0.9, windows) if linked else None


def _edit(arrival: Arrival, parent: Seen, share: float) -> Place:
    given = clean(parent.ended.answer_text) if parent.ended else ""
    shown = arrival.history.shown_text
    if given == shown or _cut(shown, given):
        return Place(_turn_rule(arrival), round(share, 3), parent=parent, evidence={"answer_cut": given != shown})
    return Place("assistant_edited", round(0.95 * share, 3), parent=parent)


def _likeness(seen: Seen, arrival: Arrival) -> float:
    """How much of what was given is still in what was sent back, in 0..1."""
    given = seen.ended.answer_text if seen.ended else ""
    return fuzz.ratio(given, arrival.history.shown_text) / 100


def _cut(shown: str, given: str) -> bool:
    """Whether the app kept only the beginning of what was given."""
    return shown != "" and given.startswith(shown.rstrip(" .…"))


def _asked(seen: Seen, arrival: Arrival) -> float:
    same = typed(seen.known.user_text).casefold() == typed(arrival.history.asked_text).casefold()
    return 1.0 if same else OTHER_QUESTION


def _turn_rule(arrival: Arrival) -> LinkRule:
    return "tool_step" if arrival.history.last_role in _TOOL_ROLES else "next_turn"
