"""Abandonment over a ledger: reads a range and groups its answers.

In: a reader, a range, a column. Out: the baseline and the groups. `instructions` groups by the prompt's version: the
content id of a call's first system or developer message.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from backtalk.ledger.reader import LedgerReader
from backtalk.review.abandonment import Abandonment, Row, abandonment

INSTRUCTIONS: Final = "instructions"
_ROLES: Final = frozenset({"system", "developer"})
_NONE: Final = "(none)"


def ended_sessions(
    reader: LedgerReader, by: str, wait_ns: int, within: tuple[int, int]
) -> tuple[Abandonment, list[Abandonment]]:
    """The share of answers that ended their session, over all and by group."""
    calls = reader.calls_between(*within)
    return abandonment(calls, reader.everything("signals", order="found_ns"), wait_ns, _group_of(reader, calls, by))


def _group_of(reader: LedgerReader, calls: Sequence[dict[str, Any]], by: str) -> Callable[[Row], str]:
    if by != INSTRUCTIONS:
        return lambda call: str(call.get(by) or _NONE)
    first = {call["message_ids"][0] for call in calls if call["message_ids"]}
    prompts = {name for name, row in reader.messages(first).items() if row["role"] in _ROLES}
    return lambda call: next((name for name in call["message_ids"][:1] if name in prompts), _NONE)
