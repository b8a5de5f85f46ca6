"""What is known of which answers: the audit's document from counted rows.

In: rows of `coverage_queries`, streamed. Out: values and a JSON-ready document. The one rule: however many models,
tenants or prompts there are, only the largest segments of each group are kept, and what was left out is counted.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args

from backtalk.model.facts import SignalKind
from backtalk.model.feedback import FeedbackKind
from backtalk.quality.coverage_queries import COUNTS, DIMENSIONS, FAMILIES, SETS
from backtalk.quality.intervals import wilson

Row = Mapping[str, Any]
TOP: Final = 20
"""So many segments of a group are listed."""
KNOWLEDGE: Final = ("explicit", "implicit", "outcome", "gold", "of_session")
MAIN: Final = SETS["model and endpoint"]
_NAMES: Final = {"of_session": "session"}


class Segment(NamedTuple):
    """Answers that are alike in `values`, and of how many of them something is known."""

    group: str
    values: Mapping[str, str]
    counts: Mapping[str, int]
    kinds: Mapping[str, int] = {}
    """`signal.<kind>` or `feedback.<kind>` -> how many of the answers it speaks of; not in every group."""


class Groups(NamedTuple):
    """Segments by group, the largest first, and how many more there were."""

    segments: Mapping[str, Sequence[Segment]]
    left_out: Mapping[str, int]

    @property
    def total(self) -> Segment:
        """All answers together."""
        return next(iter(self.segments.get("all", ())), Segment("all", {}, dict.fromkeys(COUNTS, 0)))

    @property
    def main(self) -> Sequence[Segment]:
        """The segments of models and endpoints."""
        return self.segments.get("model and endpoint", ())


def groups(rows: Iterable[Row], kinds: Iterable[Row]) -> Groups:
    """Read both questions' rows."""
    heaps: defaultdict[str, list[tuple[int, int, Segment]]] = defaultdict(list)
    left_out: Counter[str] = Counter()
    for number, row in enumerate(rows):
        found = _segment(row)
        heapq.heappush(heaps[found.group], (found.counts["calls"], -number, found))
        if len(heaps[found.group]) > TOP:
            heapq.heappop(heaps[found.group])
            left_out[found.group] += 1
    best = {group: [one for _, _, one in sorted(heap, reverse=True)] for group, heap in heaps.items()}
    return Groups(_with_kinds(best, kinds), left_out)


def _segment(row: Row) -> Segment:
    by = tuple(name for name in DIMENSIONS if row[name] is not None)
    group = next(name for name, columns in SETS.items() if set(columns) == set(by))
    return Segment(group, {name: row[name] for name in by}, {name: row[name] for name in COUNTS})


def _with_kinds(best: Mapping[str, Sequence[Segment]], rows: Iterable[Row]) -> dict[str, Sequence[Segment]]:
    """Give the listed segments their kinds, and all answers the sums."""
    wanted = {tuple(one.values[name] for name in MAIN): one for one in best.get("model and endpoint", ())}
    counted: dict[Any, Counter[str]] = {place: Counter() for place in wanted}
    everything: Counter[str] = Counter()
    for row in rows:
        kind, place = f"{row['fact']}.{row['kind']}", tuple(row[name] for name in MAIN)
        everything[kind] += row["calls"]
        if place in counted:
            counted[place][kind] += row["calls"]
    main = [one._replace(kinds=dict(counted[place])) for place, one in wanted.items()]
    total = [one._replace(kinds=dict(everything)) for one in best.get("all", ())]
    return {**best, "model and endpoint": main, "all": total}


def matrix(total: Segment) -> list[dict[str, Any]]:
    """Every kind there is, seen or not, with the share of answers that it speaks of; a retraction speaks of none."""
    family = {kind: name for name, kinds in FAMILIES.items() for kind in kinds}
    said = dict.fromkeys((*get_args(FeedbackKind), *family))
    names = [f"feedback.{kind}" for kind in said if kind != "retraction"] + [
        f"signal.{kind}" for kind in get_args(SignalKind)
    ]
    known = dict.fromkeys((*names, *sorted(total.kinds)))
    return [{"kind": name, **share(total.kinds.get(name, 0), total)} for name in known]


def share(count: int, of: Segment) -> dict[str, Any]:
    """A count with its share of the segment and the 95% Wilson interval."""
    found = wilson(count, of.counts["calls"])
    return {
        "calls": count,
        "share": round(found.value, 6) if found.cases else None,
        "low": round(found.low, 6),
        "high": round(found.high, 6),
    }


def document(segment: Segment) -> dict[str, Any]:
    """A segment as JSON: what it is, and the shares of its answers of which something is known."""
    return {
        **segment.values,
        "calls": segment.counts["calls"],
        **{_NAMES.get(name, name): share(segment.counts[name], segment) for name in KNOWLEDGE},
        "failed": share(segment.counts["failed"], segment),
        "silent": share(segment.counts["silent"], segment),
        "without_session": segment.counts["sessionless"],
        **({"kinds": dict(segment.kinds)} if segment.group in ("all", "model and endpoint") else {}),
    }
