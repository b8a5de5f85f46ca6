"""The views that notebooks ask for, as SQL that DataFusion streams.

In: columns and a period. Out: the query's text. The one rule: only the columns and days that are asked for are read; a
signal counts as `ledger.counting` says, and a test asks both about the same rows.
"""

from collections.abc import Sequence

from backtalk.ledger.days import day
from backtalk.quality.coverage_queries import Period


def calls(period: Period, columns: Sequence[str]) -> str:
    """Calls by their arrival."""
    return f"""select {_named("", columns)} from calls where dt >= '{day(max(period.since_ns, 0))}'
        and opened_ns >= {period.since_ns} and opened_ns < {period.until_ns} order by opened_ns, span_id"""


def signals(period: Period, columns: Sequence[str], *, superseded: bool) -> str:
    """Signals that count, by the instant at which they were found; with `superseded` every row there ever was."""
    within = f"s.dt >= '{day(max(period.since_ns, 0))}' and s.found_ns >= {period.since_ns}"
    counts = "true" if superseded else "s.fact = 'signal' and (l.signal_id is null or s.replay = l.replay)"
    return f"""latest as (
        select signal_id, max(replay) as replay from signals where replay is not null group by signal_id
    )
    select {_named("s.", columns)} from latest l right join signals s on l.signal_id = s.signal_id
    where {within} and s.found_ns < {period.until_ns} and {counts} order by s.found_ns, s.signal_id"""


def _named(table: str, columns: Sequence[str]) -> str:
    return ", ".join(f'{table}"{column}" as "{column}"' for column in columns)
