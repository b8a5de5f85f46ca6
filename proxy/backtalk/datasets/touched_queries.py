"""Which calls a dataset looks at: those of which anything was said or noticed, in the order of their prompts.

In: a recipe's selection. Out: query texts that DataFusion streams. The one rule: all answers to one prompt follow each
other, oldest first; the prompts come in the order of their first answers.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from backtalk.ledger.days import day

MAX_ANSWERS: Final = 64
"""Of more answers to one prompt the oldest are looked at; a greeting may have been answered a million times."""
_EVER_NS: Final = (1 << 63) - 1


class Scope(NamedTuple):
    """Which calls are looked at; an empty sequence is no limit."""

    since_ns: int = 0
    until_ns: int = _EVER_NS
    models: Sequence[str] = ()
    routes: Sequence[str] = ()
    tenants: Sequence[str] = ()
    prompts: Sequence[str] = ()
    users: Sequence[str] = ()


def count(scope: Scope) -> str:
    """How many calls there are to look at."""
    return f"{_answers(scope)} select count(*) as calls from answers where place <= {MAX_ANSWERS}"


def answers(scope: Scope) -> str:
    """The calls to look at, each with its prompt."""
    return f"""{_answers(scope)}, firsts as (
        select prompt, min(opened_ns) as first_ns from answers group by prompt
    )
    select a.prompt, a.trace_id, a.span_id from firsts f join answers a on f.prompt = a.prompt
    where a.place <= {MAX_ANSWERS} order by f.first_ns, a.prompt, a.opened_ns, a.trace_id, a.span_id"""


def crowded(scope: Scope) -> str:
    """How many calls are not looked at, since their prompt has too many answers."""
    return f"{_answers(scope)} select count(*) as calls from answers where place > {MAX_ANSWERS}"


def unjoined(scope: Scope) -> str:
    """Feedback that is about no call that is known: a session, or a key that fits nothing."""
    return f"""given as (
        select feedback_id, min(session_id) is not null as of_session
        from feedback where kind <> 'retraction' and given_ns >= {scope.since_ns} and given_ns < {scope.until_ns}
            and {_one_of("tenant", scope.tenants)}
        group by feedback_id
    ), joined as (
        select distinct f.feedback_id from feedback f join calls c on {_SAME_TRACE}
        union select f.feedback_id from feedback f join calls c on {_SAME_RESPONSE}
    )
    select g.feedback_id, g.of_session from given g left anti join joined j on g.feedback_id = j.feedback_id
    order by g.feedback_id"""


def _answers(scope: Scope) -> str:
    """The calls to look at, numbered within their prompt; the union is the smaller side of each join."""
    within = f"""dt >= '{day(max(scope.since_ns, 0))}' and opened_ns >= {scope.since_ns}
        and opened_ns < {scope.until_ns}"""
    return f"""touched as (
        select trace_id, span_id from signals where fact = 'signal'
        union select shown_by_trace_id, shown_by_span_id from signals where fact = 'signal' and kind = 'regeneration'
        union select c.trace_id, c.span_id from feedback f join calls c on {_SAME_TRACE}
        union select c.trace_id, c.span_id from feedback f join calls c on {_SAME_RESPONSE}
    ), answers as (
        select c.trace_id, c.span_id, c.opened_ns, {_PROMPT} as prompt,
            row_number() over (partition by {_PROMPT} order by c.opened_ns, c.trace_id, c.span_id) as place
        from touched t join calls c on t.trace_id = c.trace_id and t.span_id = c.span_id
        where {within} and c.purpose is null and {_one_of("model", scope.models)} and {_one_of("route", scope.routes)}
            and {_one_of("c.tenant", scope.tenants)} and {_one_of("prompt_name", scope.prompts)}
            and {_one_of('"user"', scope.users)}
    )"""


_SAME_TRACE: Final = "f.trace_id = c.trace_id where f.span_id is null or f.span_id = c.span_id"
_SAME_RESPONSE: Final = "f.tenant = c.tenant and f.response_id = c.response_id"
_PROMPT: Final = """encode(digest(concat(
    c.tenant, '/', coalesce(c.tools_id, ''), '/', array_to_string(c.message_ids, ',')), 'blake2s'), 'hex')"""


def _one_of(column: str, values: Sequence[str]) -> str:
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{column} in ({quoted})" if quoted else "true"
