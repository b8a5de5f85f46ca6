"""Conversion's question to the ledger, as SQL that DataFusion streams.

In: a period. Out: the query's text. The one rule: a signal counts as `ledger.counting` says: once, by its latest
replay, and not where that withdraws it; a test asks both about the same rows.
"""

from backtalk.ledger.days import day
from backtalk.quality.coverage_queries import Period


def signals(period: Period) -> str:
    """Every signal found in the period that counts: id, kind and instant."""
    return f"""latest as (
        select signal_id, max(replay) as replay from signals where replay is not null group by signal_id
    )
    select s.signal_id as id, s.kind as kind, s.found_ns as at_ns
    from latest l right join signals s on l.signal_id = s.signal_id
    where s.fact = 'signal' and s.dt >= '{day(max(period.since_ns, 0))}'
        and s.found_ns >= {period.since_ns} and s.found_ns < {period.until_ns}
        and (l.signal_id is null or s.replay = l.replay)"""
