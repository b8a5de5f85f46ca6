"""What a dataset looks at: which calls, and how many of what belongs together.

Out: frozen values. The one rule: whatever people or programs repeat without end is looked at up to a number that stands
here, and what is beyond it is counted.
"""

from typing import Final, NamedTuple

MAX_ANSWERS: Final = 64
"""Of more answers to one prompt the oldest are looked at; a greeting may have been answered a million times."""
MAX_FACTS: Final = 1_000
"""Of more feedback or signals about one answer, and of more successors of one feedback, the newest are looked at."""
CHUNK_CALLS: Final = 500
"""About so many calls are in memory at once: whole prompts, so up to `MAX_ANSWERS` more or fewer."""
_EVER_NS: Final = (1 << 63) - 1


class Scope(NamedTuple):
    """Which calls are looked at; an empty sequence is no limit."""

    since_ns: int = 0
    until_ns: int = _EVER_NS
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    last_answers: bool = False
    """Whether what was said of a session is taken as said of its last answer."""
