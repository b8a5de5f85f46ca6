"""The audit's questions to the ledger, as SQL that DataFusion streams.

In: a period and the ids of rejected feedback. Out: query texts. The one rule: a feedback means the call that
`ledger.targets` says it means; a test asks both about the same rows.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from backtalk.clock import NS_PER_S
from backtalk.ledger.days import day

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "explicit": ("rating", "score", "comment", "correction", "ranking", "survey"),
    "outcome": ("outcome",),
    "gold": ("label",),
    "implicit": ("event",),
}
"""Which kinds of feedback are which kind of knowledge. What a reviewer says is gold whatever its kind, and what a model
judges is none: it is an opinion.
"""

JUDGED: Final = (
    "chat", "completions", "responses", "messages", "ollama_chat", "ollama_generate", "realtime", "images", "speech",
    "transcriptions", "translations", "videos",
)  # fmt: skip
"""The APIs whose calls are answers that somebody could judge."""

DIMENSIONS: Final = ("model", "route", "api", "path", "stream", "tenant", "prompt")
"""By what answers are told apart; `prompt` is the content address of the system prompt."""

SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "all": (),
    "model and endpoint": ("model", "route", "api", "path"),
    "model": ("model",),
    "route": ("route",),
    "api": ("api",),
    "streaming": ("stream",),
    "tenant": ("tenant",),
    "system prompt": ("prompt",),
}
"""The groups that are counted, by name."""

COUNTS: Final = (
    "calls", "failed", "sessionless", "explicit", "implicit", "outcome", "gold", "of_session", "silent"
)  # fmt: skip
DAY_NS: Final = 86_400 * NS_PER_S
AGES: Final[Mapping[str, int]] = {
    "under 1 hour": 3_600 * NS_PER_S,
    "under 1 day": DAY_NS,
    "under 7 days": 7 * DAY_NS,
    "under 30 days": 30 * DAY_NS,
}
"""Upper ends of the ages in which never-joined feedback is counted; what is older is `older`."""


class Period(NamedTuple):
    """From `since_ns` until before `until_ns`, wall clock."""

    since_ns: int
    until_ns: int


def segments(period: Period, rejected: Collection[str] = ()) -> str:
    """A row for each value of each of `SETS`: null stands for what a row is not grouped by."""
    sets = ", ".join(f"({', '.join(columns)})" for columns in SETS.values())
    return f"""{_evidence(period, rejected)}, {_calls(period)}, marks as (
        select trace_id, span_id, {", ".join(f"bool_or(family = '{name}') as {name}" for name in _MARKS)}
        from evidence group by trace_id, span_id
    ), seen as (
        select {", ".join(f"c.{name}" for name in DIMENSIONS)}, c.failed, c.session_id is null as sessionless,
            {", ".join(f"coalesce(m.{name}, false) as {name}" for name in _MARKS)}
        from marks m right join answers c on m.trace_id = c.trace_id and m.span_id = c.span_id
    )
    select {", ".join(DIMENSIONS)}, count(*) as calls, {_counted("failed", "sessionless", *_SHOWN)},
        count(*) filter (where not (failed or {" or ".join(_SHOWN)})) as silent
    from seen where not side group by grouping sets ({sets})"""


def kinds(period: Period, rejected: Collection[str] = ()) -> str:
    """How many answers of each model and endpoint each kind of evidence speaks of."""
    return f"""{_evidence(period, rejected)}, {_calls(period)}, once as (
        select distinct trace_id, span_id, family, fact, kind from evidence
    ), side as (select trace_id, span_id from once where family = 'side')
    select c.model, c.route, c.api, c.path, e.fact, e.kind, count(*) as calls
    from once e join answers c on e.trace_id = c.trace_id and e.span_id = c.span_id
    left anti join side s on s.trace_id = c.trace_id and s.span_id = c.span_id
    where e.family <> 'side' group by 1, 2, 3, 4, 5, 6"""


def apart(period: Period) -> str:
    """How many calls are no user's answers: those of other APIs, by API, and those with a purpose, by that."""
    return f"""select coalesce(purpose, api) as api, count(*) as calls from calls
        where {_within("opened_ns", period)} and (purpose is not null or not ({one_of("api", JUDGED)}))
        group by coalesce(purpose, api)"""


def joins(period: Period, now_ns: int, rejected: Collection[str] = ()) -> str:
    """What became of the feedback given in the period: its status, by kind, source, key and age."""
    steps = "\n".join(f"when given_ns > {now_ns - limit} then '{name}'" for name, limit in AGES.items())
    return f"""{said(period, rejected)}
    select kind, source, {_STATUS} as status, {_KEY} as key, case {steps} else 'older' end as age,
        count(distinct feedback_id) as feedback
    from resolved where {_within("given_ns", period)} group by 1, 2, 3, 4, 5"""


def statuses(period: Period, rejected: Collection[str] = ()) -> str:
    """Each feedback given in the period, with what became of it and the call it means (of several calls: all)."""
    return f"""{said(period, rejected)}, told as (
        select feedback_id, {_STATUS} as status, call_trace_id, call_span_id from resolved
        where {_within("given_ns", period)}
    )
    select feedback_id, min(call_trace_id) as call_trace_id, min(call_span_id) as call_span_id,
        case when bool_or(status = 'rejected') then 'rejected' when bool_or(status = 'ambiguous') then 'ambiguous'
            when bool_or(status = 'pending') then 'pending'
            else 'joined' end as status
    from told group by feedback_id"""


_SHOWN: Final = ("explicit", "implicit", "outcome", "gold", "of_session")
_MARKS: Final = (*_SHOWN, "side")
_FIRST: Final = (
    "kind", "tenant", "trace_id", "span_id", "parent_span_id", "response_id", "session_id",
)  # fmt: skip
_STATUS: Final = """case when rejected then 'rejected'
    when fits = 1 or has_session then 'joined' when fits > 1 then 'ambiguous' else 'pending' end"""
_FAMILY: Final = (
    "case when source = 'reviewer' then 'gold' when source = 'model_judge' or unanswered then 'neutral'"
    + "".join(f" when kind in ({', '.join(map(repr, kinds))}) then '{name}'" for name, kinds in FAMILIES.items())
    + " else 'neutral' end"
)
_KEY: Final = """case when session_id is not null then 'session_id' when response_id is not null then 'response_id'
    when parent_span_id is not null then 'traceparent' when span_id is not null then 'request_id'
    else 'trace_id' end"""


def _calls(period: Period) -> str:
    """Answers of the period, with the dimensions as texts, so that null is free to mean: all of them."""
    return f"""prompts as (select distinct message_id from messages where role in ('system', 'developer')),
    answers as (
        select c.trace_id, c.span_id, c.session_id, coalesce(c.model, '') as model, coalesce(c.route, '') as route,
            c.api, coalesce(c.path, '') as path, case when c.stream then 'yes' else 'no' end as stream, c.tenant,
            coalesce(p.message_id, '') as prompt,
            c.outcome not in ('completed', 'client_disconnected') or (c.outcome = 'completed' and c.status >= 400)
                as failed
        from prompts p right join calls c on p.message_id = c.message_ids[1]
        where {_within("c.opened_ns", period)} and {one_of("c.api", JUDGED)} and c.purpose is null
    )"""


def _evidence(period: Period, rejected: Collection[str]) -> str:
    """What speaks of which call: signals (neutral ones say nothing), feedback by key, feedback of its session."""
    since = day(max(period.since_ns, 0))
    return f"""{said(Period(period.since_ns - DAY_NS, _EVER), rejected)}, latest as (
        select signal_id, max(replay) as replay from signals where replay is not null group by signal_id
    ), noticed as (
        select s.trace_id, s.span_id, s.fact, s.kind, s.polarity, s.provenance from latest l
        right join signals s on l.signal_id = s.signal_id
        where s.dt >= '{since}' and (l.signal_id is null or s.replay = l.replay)
    ), evidence as (
        select trace_id, span_id, case when fact = 'link' then 'side'
                when polarity = 'neutral' or provenance = 'llm' then 'neutral' else 'implicit' end as family,
            case when provenance = 'llm' then 'opinion' else fact end as fact, kind
        from noticed where fact = 'signal' or (fact = 'link' and kind = 'auxiliary')
        union all select call_trace_id, call_span_id, {_FAMILY}, 'feedback', kind
        from resolved where fits = 1 and not rejected
        union all select trace_id, span_id, 'of_session', 'session_feedback', kind from in_session
        where opened_ns >= {period.since_ns} and opened_ns < {period.until_ns}
    )"""


def said(period: Period, rejected: Collection[str] = ()) -> str:
    """Feedback that counts, each id and item once, and the calls that its key fits."""
    return f"{_counting(period, rejected)}, {RESOLVED}"


def _counting(period: Period, rejected: Collection[str]) -> str:
    """Each feedback and each of its items once, without what was replaced or taken back."""
    first = ", ".join(f"first_value({name} order by given_ns) as {name}" for name in _FIRST)
    since, refused = day(max(period.since_ns, 0)), one_of("feedback_id", rejected) if rejected else "false"
    return f"""replaced as (
        select distinct e.tenant, e.feedback_id as supersedes
        from (select * from feedback where not ({refused})) l
        join feedback e on l.tenant = e.tenant and l.supersedes = e.feedback_id
        where l.supersedes is not null and l.dt >= '{since}' and l.feedback_id <> e.feedback_id and (
            coalesce(l.channel, 'api') not in ('token', 'link')
            or (l.trace_id = e.trace_id and coalesce(e.source, 'end_user') = 'end_user'))
    ), given as (
        select feedback_id, coalesce(item, 0) as item, min(given_ns) as given_ns, {first},
            first_value(source order by given_ns) as origin,
            bool_or(kind = 'survey' and value_json not like '%"answered"%') as unanswered from feedback
        where dt >= '{since}' and kind <> 'retraction' group by feedback_id, coalesce(item, 0)
    ), said as (
        select g.*, concat(g.feedback_id, '-', g.item) as id, coalesce(g.origin, 'unknown') as source,
            {refused} as rejected
        from given g left anti join replaced r on r.tenant = g.tenant and r.supersedes = g.feedback_id
    )"""


RESOLVED: Final = """candidates as (
        select s.id, c.trace_id, c.span_id, cast(null as boolean) as exact
        from said s join calls c on s.tenant = c.tenant and s.response_id = c.response_id
        where s.response_id is not null
        union all
        select s.id, c.trace_id, c.span_id, c.span_id = s.parent_span_id
        from said s join calls c on s.tenant = c.tenant and s.trace_id = c.trace_id
        where s.response_id is null and (c.span_id = s.span_id or (s.span_id is null and (
            s.parent_span_id is null or c.span_id = s.parent_span_id or c.parent_span_id = s.parent_span_id)))
    ), fitting as (
        select id, count(*) as loose_count, count(*) filter (where exact) as exact_count,
            min(trace_id) as call_trace_id, min(span_id) as loose_id, min(case when exact then span_id end) as exact_id
        from candidates group by id
    ), in_session as (
        select s.id, s.kind, c.trace_id, c.span_id, c.opened_ns
        from said s join calls c on s.tenant = c.tenant and s.session_id = c.session_id
        where s.session_id is not null
        union all select s.id, s.kind, c.trace_id, c.span_id, c.opened_ns
        from said s join calls c on s.tenant = c.tenant and s.session_id = c.declared_session
        where s.session_id is not null
    ), sessions as (
        select distinct id from in_session
    ), resolved as (
        select s.*, coalesce(case when f.exact_count > 0 then f.exact_count else f.loose_count end, 0) as fits,
            f.call_trace_id, coalesce(f.exact_id, f.loose_id) as call_span_id, n.id is not null as has_session
        from said s left join fitting f on s.id = f.id left join sessions n on s.id = n.id
    )"""
"""The calls that each feedback in `said` fits, by its tenant and its key."""
_EVER: Final = (1 << 63) - 1


def _within(column: str, period: Period) -> str:
    dt = column.rpartition(".")[0]
    dt = f"{dt}.dt" if dt else "dt"
    days = f"{dt} >= '{day(max(period.since_ns, 0))}'" if column.endswith("opened_ns") else "true"
    return f"{days} and {column} >= {period.since_ns} and {column} < {period.until_ns}"


def _counted(*names: str) -> str:
    return ", ".join(f"count(*) filter (where {name}) as {name}" for name in names)


def one_of(column: str, values: Collection[str] | Sequence[str]) -> str:
    """The condition that a column is one of some texts of our own."""
    return f"{column} in ({', '.join(repr(value) for value in values)})"
