"""Links that a replay rebuilt, against those of the ledger.

In: the facts of a replay, the ledger's rows of links. Out: each call's last link, and how many calls stand elsewhere.
Pure; nothing of it is written into the ledger.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from backtalk.model.facts import Fact, SessionLinked
from backtalk.review.past import evidence_of

Row = Mapping[str, Any]
_Place = tuple[str, str | None, str | None]
_NOWHERE: Final[_Place] = ("", None, None)


class Relinked(NamedTuple):
    """How many calls have the same session, parent and sibling as before; how many others, and none before."""

    same: int
    moved: int
    added: int


def links_in(facts: Iterable[Fact]) -> list[SessionLinked]:
    """The last link of each call, in the order of time and id."""
    last = {fact.key: fact for fact in facts if isinstance(fact, SessionLinked)}
    return sorted(last.values(), key=lambda link: (link.linked_ns, link.span_id))


def compare(links: Iterable[SessionLinked], rows: Iterable[Row]) -> Relinked:
    """Compare with what the ledger holds of the same calls."""
    linked = sorted((row for row in rows if row["fact"] == "link"), key=lambda row: int(row["found_ns"]))
    before = {(row["trace_id"], row["span_id"]): _place_of_row(row) for row in linked}
    found = [(before.get((link.trace_id, link.span_id), _NOWHERE), _place(link)) for link in links]
    added = sum(old == _NOWHERE for old, _ in found)
    same = sum(old == new for old, new in found)
    return Relinked(same, len(found) - same - added, added)


def _place(link: SessionLinked) -> _Place:
    parent = link.parent.request_id if link.parent else None
    return link.session_id, parent, link.sibling.request_id if link.sibling else None


def _place_of_row(row: Row) -> _Place:
    evidence = evidence_of(row)
    return row["session_id"], evidence.get("parent"), evidence.get("sibling")
