"""Everything that was said, as SQL that DataFusion streams: each feedback beside what could take it out of the count.

In: nothing but the tables. Out: query texts. The one rule: what may bear on each other comes together: feedback about
one call or with one key has one `about`, and what names an earlier feedback comes once more with that one's. Texts are
copied, since a row that is sorted would else hold on to the whole page that it was read from.
"""

from typing import Final

from backtalk.ledger.schema import COLUMNS as LEDGER
from backtalk.quality.coverage_queries import RESOLVED

COLUMNS: Final = (
    "feedback_id", "item", "kind", "value_json", "tenant", "given_ns", "trace_id", "span_id", "response_id",
    "parent_span_id", "session_id", "metric", "rater", "source", "channel", "key_id", "at_ns", "supersedes", "choice",
    "span_start", "span_end",
)  # fmt: skip
"""What of a feedback decides whether it counts."""
_ORDER: Final = "order by about, given_ns, feedback_id, coalesce(item, 0)"
_KEY: Final = ("tenant", "trace_id", "span_id", "response_id", "parent_span_id", "session_id")


def said() -> str:
    """Each feedback and each retraction once, with what it is about and what its call must say of it."""
    return f"{_told()} select * from told {_ORDER}"


def later() -> str:
    """What names a feedback that is about something else, with what that one is about."""
    return f"""{_told()}, earlier as (select distinct feedback_id as earlier_id, about as earlier_about from told)
    select * from (
        select {_columns("l.", ("item_id", *COLUMNS, *_JUDGED))}, e.earlier_about as about
        from told l join earlier e on l.supersedes = e.earlier_id where l.about <> e.earlier_about
    ) {_ORDER}"""


_JUDGED: Final = (
    "fits", "call_trace_id", "call_span_id", "is_foreign", "purpose", "answer_ids", "tools_id",
    "params_json",
)  # fmt: skip


def _told() -> str:
    key = ", '/', ".join(f"coalesce({name}, '')" for name in _KEY)
    about = f"case when r.fits = 1 then concat(r.call_trace_id, '-', r.call_span_id) else concat({key}) end"
    return f"""nth as (
        select {_copied("", COLUMNS)}, row_number() over (
            partition by feedback_id, coalesce(item, 0) order by given_ns) as nth from feedback
    ), said as (
        select *, concat(feedback_id, '-', coalesce(item, 0)) as id from nth where nth = 1
    ), {RESOLVED}, unfit as (
        select id, trace_id, tenant from resolved where fits = 0 and trace_id is not null
    ), strange as (
        select u.id, bool_and(c.tenant <> u.tenant) as is_foreign
        from unfit u join calls c on c.trace_id = u.trace_id group by u.id
    ), about as (
        select {_columns("r.", COLUMNS)}, r.id as item_id, {about.replace("coalesce(", "coalesce(r.")} as about, r.fits,
            {_copied("r.", ("call_trace_id", "call_span_id"))},
            case when kind = 'correction' or span_end is not null or choice > 0 then r.call_span_id end as judged_id
        from resolved r
    ), apart as (
        select trace_id, span_id, purpose from calls where purpose is not null
    ), told as (
        select {_columns("a.", ("item_id", *COLUMNS, "about", "fits", "call_trace_id", "call_span_id"))},
            coalesce(s.is_foreign, false) as is_foreign,
            {_copied("p.", ("purpose",))}, array_to_string(c.answer_ids, ',') as answer_ids,
            {_copied("c.", ("tools_id", "params_json"))}
        from about a left join strange s on a.item_id = s.id
        left join apart p on a.call_trace_id = p.trace_id and a.call_span_id = p.span_id
        left join calls c on a.fits = 1 and a.judged_id = c.span_id and a.call_trace_id = c.trace_id
    )"""


def _columns(table: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{table}{name} as {name}" for name in names)


def _copied(table: str, names: tuple[str, ...]) -> str:
    """Columns whose texts do not hold on to the pages that they were read from."""
    numbers = {name for name, kind in LEDGER["feedback"].items() if kind != "text"}
    return ", ".join(
        f"{table}{name} as {name}" if name in numbers else f"arrow_cast({table}{name}, 'Utf8') as {name}"
        for name in names
    )
