"""What a restart must know of the journal's end: the links of calls that are still open.

In: the journal from a remembered position on. Out: where each open call was announced, and how it was linked. The
position is the earliest announcement of a call that is open; it is remembered now and then, and an older one only
costs reading more.
"""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from backtalk.model.facts import CallOpened, SessionLinked, decode_entry
from backtalk.spool import Tail


class Announced(NamedTuple):
    """Where the entry with a call's announcement begins, and the call's last link."""

    offset: int
    linked: SessionLinked | None = None


def read(journal: Path, offset: int, open_spans: Collection[str]) -> dict[str, Announced]:
    """What the journal says, from `offset` on, of the calls that are open."""
    found: dict[str, Announced] = {}
    with Tail(journal, offset) as tail:
        while records := tail.read():
            for record in records:
                for fact in decode_entry(record.payload).facts:
                    if isinstance(fact, CallOpened) and fact.span_id in open_spans:
                        found[fact.span_id] = Announced(record.offset)
                    elif isinstance(fact, SessionLinked) and fact.span_id in found:
                        found[fact.span_id] = found[fact.span_id]._replace(linked=fact)
    return found
