"""Conversion's question to the ledger, as SQL that DataFusion streams.

In: a period. Out: the query's text. A signal about a call with a purpose of its own,
such as an evaluation, is none to convert. The one rule: a signal counts as `ledger.counting` says: once, by its latest
replay, and not where that withdraws it; a test asks both about the same rows.
"""

from backtalk.ledger.days import day
from backtalk.quality.coverage_queries import DAY_NS, Period


def signals(period: Period) -> str:
    """Every signal found in the period that counts: id, kind and instant."""
    before = day(max(period.since_ns - DAY_NS, 0))
    return f"""latest as (
        select signal_id, max(replay) as replay from signals where replay is not null group by signal_id
    ), purposeful as (
        select trace_id, span_id from calls where purpose is not null and dt >= '{before}'
    )
    select s.signal_id as id, s.kind as kind, s.found_ns as at_ns
    from latest l right join signals s on l.signal_id = s.signal_id
    left anti join purposeful p on p.trace_id = s.trace_id and p.span_id = s.span_id
    where s.fact = 'signal' and s.dt >= '{day(max(period.since_ns, 0))}'
        and s.found_ns >= {period.since_ns} and s.found_ns < {period.until_ns}
        and (l.signal_id is null or s.replay = l.replay)"""
