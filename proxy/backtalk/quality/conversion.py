"""Conversion: which share of what was noticed and said became rows to train on or to evaluate with, why not the rest.

In: the ledger, the registered datasets and a period. Out: one JSON-ready document, the same for the command, the admin
listener and the metric. The one rule: every fact leaves by exactly one exit, so the shares of the exits sum to 1.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from backtalk.ledger.effective import effective
from backtalk.ledger.query import LedgerQuery
from backtalk.ledger.reader import LedgerReader
from backtalk.lineage import manifests
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.quality import conversion_queries
from backtalk.quality.coverage_queries import AGES, Period
from backtalk.quality.intervals import wilson

CONVERTED: Final = ("training", "evaluation")
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
    """What datasets in use made of facts, by id."""

    exits: Mapping[str, str]
    newest_ns: int | None
    """When the last of them was built."""
    datasets: int


def conversion(data_dir: Path, period: Period, now_ns: int) -> dict[str, Any]:
    """Ask the ledger and the lineage; raises `StoreError` where one of them cannot be read."""
    used = _used(data_dir)
    counts: defaultdict[Group, Counter[str]] = defaultdict(Counter)
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


def _used(data_dir: Path) -> _Used:
    """The latest dataset's word on a fact holds, but a row in any of them is a row."""
    entries = [one for one in Catalogue(LineageLog(data_dir).records()).datasets if one.retired is None]
    left_out: dict[str, str] = {}
    rows: dict[str, str] = {}
    for entry in entries:
        manifest = manifests.load(data_dir, entry.built)
        left_out.update((one.feedback_id or one.signal_id or "", one.reason) for one in manifest.left_out)
        purpose = "evaluation" if entry.built.format.startswith("eval") else "training"
        for name in (name for row in manifest.rows for name in row.facts):
            rows[name] = "training" if "training" in (purpose, rows.get(name)) else purpose
    newest_ns = max((one.record.at_ns for one in entries), default=None)
    return _Used(left_out | rows, newest_ns, len(entries))


def _facts(root: Path, period: Period) -> Iterator[_Fact]:
    for row in LedgerQuery(root).rows(conversion_queries.signals(period)):
        yield _Fact("signal", row["id"], row["kind"], row["at_ns"])
    reader = LedgerReader(root)
    said: dict[str, _Fact] = {}
    for one in effective(reader, reader.feedback_between(*period)):
        if any(call.get("purpose") for call in one.fits):
            continue
        name, kind, given_ns = (one.row[column] for column in ("feedback_id", "kind", "given_ns"))
        if name not in said or one.state == "counts":
            said[name] = _Fact("feedback", name, kind, given_ns, one.state)
    yield from said.values()


def _exit(one: _Fact, used: _Used) -> str:
    """Where a fact left: into a row, or why not."""
    if one.id in used.exits:
        return used.exits[one.id]
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
