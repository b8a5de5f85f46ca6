"""What a pipeline's trigger asks of the ledger: how many facts are new, and which share of answers is bad.

In: instants, a period, a metric. Out: query texts. The one rule: calls that an evaluation made, and whatever was said
or noticed of them or by them, are no traffic and count nowhere.
"""

from collections.abc import Collection, Mapping
from typing import Final

from backtalk.ledger.days import day
from backtalk.quality.coverage_queries import JUDGED, Period, one_of, said

METRICS: Final[Mapping[str, str]] = {
    "bad_share": "of the answers that something speaks for or against, those that anything speaks against",
    "rejected_share": "of the answers that people rated, those that anybody rated down",
    "negative_signal_share": "of all answers, those of which a negative signal was found",
}
"""Which share each metric is."""
_LIKELY: Final = 0.5
"""From this probability on a signal speaks for or against an answer."""


def new_facts(since_ns: int, until_ns: int) -> str:
    """How many signals and feedback came after `since_ns` and up to `until_ns`, and when the newest of each did."""
    within = f"dt >= '{day(max(since_ns, 0))}'"
    return f"""{_APART}, {_LATEST}, noticed as (
        select distinct s.signal_id, s.found_ns from latest l right join signals s on l.signal_id = s.signal_id
        left anti join apart a on a.trace_id = s.trace_id and a.span_id = s.span_id
        left anti join apart b on b.trace_id = s.shown_by_trace_id and b.span_id = s.shown_by_span_id
        where {_counts("s")} and s.{within} and s.found_ns > {since_ns} and s.found_ns <= {until_ns}
    ), given as (
        select f.feedback_id, min(f.given_ns) as given_ns from feedback f
        left anti join apart a on a.trace_id = f.trace_id and (f.span_id is null or a.span_id = f.span_id)
        left anti join apart b on b.response_id = f.response_id and b.tenant = f.tenant
        where f.kind <> 'retraction' and coalesce(f.source, 'end_user') <> 'model_judge'
            and f.{within} and f.given_ns > {since_ns} and f.given_ns <= {until_ns}
        group by f.feedback_id
    )
    select 'signals' as fact, count(distinct signal_id) as facts, max(found_ns) as newest_ns from noticed
    union all select 'feedback', count(*), max(given_ns) from given"""


def sums(metric: str, period: Period, rejected: Collection[str] = ()) -> str:
    """The sums over sessions of the answers of a period, by what was known of them at its end: one row."""
    since = day(max(period.since_ns, 0))
    opened = f"dt >= '{since}' and opened_ns >= {period.since_ns} and opened_ns < {period.until_ns}"
    return f"""{said(period, rejected)}, {_APART}, {_LATEST}, noticed as (
        select s.trace_id, s.span_id, s.polarity, s.shown_by_trace_id, s.shown_by_span_id
        from latest l right join signals s on l.signal_id = s.signal_id
        left anti join apart b on b.trace_id = s.shown_by_trace_id and b.span_id = s.shown_by_span_id
        where {_counts("s")} and s.dt >= '{since}' and s.found_ns < {period.until_ns} and s.probability >= {_LIKELY}
    ), told as (
        select r.call_trace_id as trace_id, r.call_span_id as span_id, r.kind, f.value_json = 'true'
                <> (coalesce(f.direction, 'higher') = 'lower') as is_good, f.value_json
        from resolved r join feedback f on f.feedback_id = r.feedback_id and coalesce(f.item, 0) = r.item
        where r.fits = 1 and not r.rejected and r.source <> 'model_judge' and r.given_ns < {period.until_ns}
            and (r.kind = 'correction' or (r.kind in ('rating', 'outcome', 'label')
                and f.value_json in ('true', 'false')))
    ), evidence as (
        select trace_id, span_id, 'signal' as kind, polarity = 'negative' as is_bad from noticed
        union all select trace_id, span_id, kind, kind = 'correction' or not is_good from told
    ), marks as (
        select trace_id, span_id, {_MARKS[metric]} from evidence group by trace_id, span_id
    ), side as (
        select trace_id, span_id from signals where fact = 'link' and kind = 'auxiliary'
    ), answers as (
        select concat(c.tenant, '/', coalesce(c.session_id, c.trace_id)) as session, coalesce(m.known, false) as known,
            coalesce(m.hit, false) as hit
        from marks m right join calls c on m.trace_id = c.trace_id and m.span_id = c.span_id
        left anti join apart a on a.trace_id = c.trace_id and a.span_id = c.span_id
        left anti join side s on s.trace_id = c.trace_id and s.span_id = c.span_id
        where c.{opened} and {one_of("c.api", JUDGED)} and c.outcome = 'completed' and c.status < 400
    ), by_session as (
        select session, count(*) as n, count(*) filter (where hit) as h from answers
        where {"true" if metric == "negative_signal_share" else "known"} group by session
    )
    select count(*) as sessions, coalesce(sum(n), 0) as n, coalesce(sum(h), 0) as h, coalesce(sum(h * h), 0) as hh,
        coalesce(sum(h * n), 0) as hn, coalesce(sum(n * n), 0) as nn from by_session"""


_APART: Final = """apart as (
        select trace_id, span_id, tenant, response_id from calls where purpose is not null
    )"""
"""The calls that are no traffic."""
_LATEST: Final = """latest as (
        select signal_id, max(replay) as replay from signals where replay is not null group by signal_id
    )"""
_MARKS: Final[Mapping[str, str]] = {
    "bad_share": "true as known, bool_or(is_bad) as hit",
    "rejected_share": "bool_or(kind = 'rating') as known, bool_or(kind = 'rating' and is_bad) as hit",
    "negative_signal_share": "true as known, bool_or(kind = 'signal' and is_bad) as hit",
}


def _counts(table: str) -> str:
    """The condition that a row is a signal that speaks for or against an answer, by its latest replay."""
    neutral = f"coalesce({table}.polarity, 'negative') = 'neutral' or coalesce({table}.provenance, '') = 'llm'"
    return f"{table}.fact = 'signal' and not ({neutral}) and (l.signal_id is null or {table}.replay = l.replay)"
