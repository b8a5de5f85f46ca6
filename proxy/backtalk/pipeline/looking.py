"""Looks at what a pipeline's trigger needs to know: the runs before, and the ledger.

In: a data directory, a pipeline, an instant. Out: figures for `gates`. The one rule: the ledger is read as it is
committed, and only the columns and days that are asked for.
"""

from pathlib import Path

from backtalk.clock import NS_PER_S
from backtalk.errors import SetupError
from backtalk.ledger.query import LedgerQuery
from backtalk.pipeline.definition import Pipeline
from backtalk.pipeline.events import RunState
from backtalk.pipeline.gates import Figures
from backtalk.pipeline.sections import Statistics
from backtalk.quality import trigger_queries
from backtalk.quality.coverage_queries import Period
from backtalk.quality.rejections import rejected
from backtalk.quality.two_shares import Sums


def look(data_dir: Path, pipeline: Pipeline, last: RunState | None, now_ns: int) -> Figures:
    """The figures of now; raises `SetupError` where there is no ledger, `StoreError` where it cannot be read."""
    if not (data_dir / "ledger").exists():
        message = f"there is no ledger in {data_dir / 'ledger'}: run `backtalk serve` first"
        raise SetupError(message, code="no_ledger")
    ledger = LedgerQuery(data_dir / "ledger")
    since_ns = 0 if last is None else last.began.newest_fact_ns
    found = list(ledger.rows(trigger_queries.new_facts(since_ns, now_ns)))
    facts = sum(int(row["facts"]) for row in found)
    newest_ns = max((int(row["newest_ns"] or 0) for row in found), default=0)
    figures = Figures(now_ns, None if last is None else last.began.at_ns, facts, max(newest_ns, since_ns))
    asked = pipeline.trigger.statistics
    if asked is None or figures.last_ns is None:
        return figures
    then, now = periods(asked, figures.last_ns, now_ns)
    return figures._replace(then=_sums(ledger, asked, then), now=_sums(ledger, asked, now))


def periods(asked: Statistics, last_ns: int, now_ns: int) -> tuple[Period, Period]:
    """The window before the last run, and the one before now; they share no call."""
    window_ns = int(asked.window_s * NS_PER_S)
    then = Period(max(last_ns - window_ns, 0), last_ns)
    return then, Period(max(now_ns - window_ns, last_ns), now_ns)


def _sums(ledger: LedgerQuery, asked: Statistics, period: Period) -> Sums:
    refused = rejected(ledger, Period(0, period.until_ns))
    (row,) = ledger.rows(trigger_queries.sums(asked.metric, period, refused))
    return Sums(**{name: int(row[name]) for name in Sums._fields})
