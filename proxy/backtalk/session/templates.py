"""Templates: first turns that an app builds around rows of data share a frame, and are nobody's rewordings.

In: an arrival and the client's recent first turns. Out: whether the arrival's text is an app's frame around a payload.
"""

import re
from collections.abc import Sequence
from typing import Final

from backtalk.session.canonical import clean
from backtalk.session.store import Arrival, Seen

TEMPLATE_CHARS: Final = 30
TEMPLATE_SHARE: Final = 0.3
TEMPLATE_USES: Final = 2
"""A beginning or end this long, shared with this many other first turns, is an app's template."""
_NUMBER: Final = re.compile(r"\d+")


def is_template(arrival: Arrival, recent: Sequence[Seen]) -> bool:
    """Whether enough other first turns begin or end like this one, or differ from it in numbers alone."""
    text = clean(arrival.history.user_text)
    others = {clean(seen.known.user_text) for seen in recent} - {text}
    return sum(_shares_frame(text, other) for other in others) >= TEMPLATE_USES


def _shares_frame(text: str, other: str) -> bool:
    if _NUMBER.sub("#", text) == _NUMBER.sub("#", other):
        return True
    needed = max(TEMPLATE_CHARS, int(TEMPLATE_SHARE * min(len(text), len(other))))
    if min(len(text), len(other)) < needed:
        return False
    return text[:needed] == other[:needed] or text[-needed:] == other[-needed:]
