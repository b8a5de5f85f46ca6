"""Conversion: which share of what was noticed and said became rows to train on or to evaluate with, why not the rest.

In: the ledger, the registered datasets and a period. Out: one JSON-ready document, the same for the command, the admin
listener and the metric. The one rule: every fact leaves by exactly one exit, so the shares of the exits sum to 1.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from backtalk.ledger.query import LedgerQuery
from backtalk.lineage import manifests
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.quality import conversion_queries
from backtalk.quality.coverage_queries import AGES, Period
from backtalk.quality.exits import EVALUATION, TRAINING, Exits
from backtalk.quality.intervals import wilson
from backtalk.quality.standings import standings_between

CONVERTED: Final = (TRAINING, EVALUATION)
"""The exits by which a fact became a row; one in both kinds of rows counts as `training`."""
NO_DATASET: Final = "no_dataset"
NEWER: Final = "newer_than_datasets"
NOT_SELECTED: Final = "not_selected"
Group = tuple[str, str, str]
"""`feedback` or `signal`, kind, and age."""


class _Fact(NamedTuple):
    """One fact of the period; `state` is that of a feedback."""

    fact: str
    id: str
    kind: str
    at_ns: int
    state: str = "counts"


class _Used(NamedTuple):
    """What datasets in use made of facts."""

    exits: Exits
    newest_ns: int | None
    """When the last of them was built."""
    datasets: int


def conversion(data_dir: Path, period: Period, now_ns: int) -> dict[str, Any]:
    """Ask the ledger and the lineage; raises `StoreError` where one of them cannot be read."""
    counts: defaultdict[Group, Counter[str]] = defaultdict(Counter)
    with closing(Exits()) as exits:
        used = _used(data_dir, exits)
        for one in _facts(data_dir / "ledger", period):
            counts[one.fact, one.kind, _age(now_ns - one.at_ns)][_exit(one, used)] += 1
    by_kind, by_fact = _summed(counts, 2), _summed(counts, 1)
    return {
        "since_ns": period.since_ns,
        "until_ns": period.until_ns,
        "datasets": used.datasets,
        "total": _document(sum(counts.values(), Counter[str]())),
        "facts": [{"fact": group[0], **_document(by_fact[group])} for group in sorted(by_fact)],
        "kinds": [
            {"fact": fact, "kind": kind, **_document(by_kind[fact, kind]), "ages": _ages(counts, fact, kind)}
            for fact, kind in sorted(by_kind, key=lambda group: (group[0], -by_kind[group].total(), group[1]))
        ],
    }


def _used(data_dir: Path, exits: Exits) -> _Used:
    entries = [one for one in Catalogue(LineageLog(data_dir).records()).datasets if one.retired is None]
    for entry in entries:
        exits.add(manifests.load(data_dir, entry.built))
    return _Used(exits, max((one.record.at_ns for one in entries), default=None), len(entries))


def _facts(root: Path, period: Period) -> Iterator[_Fact]:
    ledger = LedgerQuery(root)
    for row in ledger.rows(conversion_queries.signals(period)):
        yield _Fact("signal", row["id"], row["kind"], row["at_ns"])
    of_several: dict[str, _Fact] = {}
    for one in standings_between(ledger, period):
        if any(call.get("purpose") for call in one.fits):
            continue
        name, kind, given_ns, item = (one.row[column] for column in ("feedback_id", "kind", "given_ns", "item"))
        found = _Fact("feedback", name, kind, given_ns, one.state)
        if item is None:
            yield found
        elif name not in of_several or one.state == "counts":
            of_several[name] = found
    yield from of_several.values()


def _exit(one: _Fact, used: _Used) -> str:
    """Where a fact left: into a row, or why not."""
    if (way := used.exits.of(one.id)) is not None:
        return way
    if one.state != "counts":
        return one.state
    if used.newest_ns is None:
        return NO_DATASET
    return NEWER if one.at_ns > used.newest_ns else NOT_SELECTED


def _age(age_ns: int) -> str:
    return next((name for name, limit_ns in AGES.items() if age_ns < limit_ns), "older")


def _ages(counts: Mapping[Group, Counter[str]], fact: str, kind: str) -> dict[str, Any]:
    names = (*AGES, "older")
    return {name: _document(counts[fact, kind, name]) for name in names if (fact, kind, name) in counts}


def _summed(counts: Mapping[Group, Counter[str]], length: int) -> dict[Any, Counter[str]]:
    found: defaultdict[Sequence[str], Counter[str]] = defaultdict(Counter)
    for group, exits in counts.items():
        found[group[:length]].update(exits)
    return dict(found)


def _document(exits: Counter[str]) -> dict[str, Any]:
    """A group's count, the share that was converted with its 95% Wilson interval, and all exits."""
    total = exits.total()
    found = wilson(sum(exits[name] for name in CONVERTED), total)
    return {
        "count": total,
        "converted": sum(exits[name] for name in CONVERTED),
        "share": round(found.value, 6) if total else None,
        "low": round(found.low, 6),
        "high": round(found.high, 6),
        "exits": [
            {"exit": name, "count": count, "share": count / total}
            for name, count in sorted(exits.items(), key=lambda item: (-item[1], item[0]))
        ],
    }
