"""Big ledgers for measurements: the tables of a product that many people used for a month, made up in SQL.

    python tests/bench/big_ledger.py build/big --calls 1000000 [--days 30] [--seed 1]

In: a number of calls and of days. Out: the ledger's own tables, in its form: partitioned by day, content-addressed
messages, a link for each call, Bloom filters. The one rule: the seed and the numbers decide every row. DataFusion makes
the rows a day at a time and streams them into Delta, so memory holds a day.

Calls come in blocks of twelve, each block one of `BLOCKS`: some conversations, told by a letter a call. `n` is the next
turn, `r` a regeneration, `f` a reformulation, `e` a turn that resends an edited answer, `c` a turn that complains, `t`
one that thanks, `g` a step with a tool's result in the same trace, `p` a question that many people ask.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from deltalake import DeltaTable, QueryBuilder, write_deltalake

from backtalk.clock import NS_PER_S
from backtalk.ledger.days import day
from backtalk.ledger.schema import COLUMNS, TABLES, TableName
from backtalk.ledger.table import LedgerTable, writer_properties

BEGIN_NS: Final = 1_767_225_600 * NS_PER_S
"""2026-01-01 00:00 UTC."""
BLOCKS: Final[Sequence[Sequence[str]]] = (
    ("nnnnn", "nn", "n", "n", "nnn"),
    ("p",) * 12,
    ("nnrn", "nnnn", "nn", "nn"),
    ("nfn", "nnnt", "ne", "nnn"),
    ("ngg", "nnnnnn", "n", "nc"),
    ("n",) * 12,
    ("pr", *("p",) * 10),
    ("nnnnnnnnnnnn",),
)
_CALLS: Final = 12
_SLOT_NS: Final = 20 * NS_PER_S
_DAY_NS: Final = 86_400 * NS_PER_S
_TENANTS: Final = 20
_USERS: Final = 3_000
"""Of each tenant."""
_QUESTIONS: Final = 2_000
"""Of each tenant, that many people ask; the first ones far more often."""
_PRIME: Final = 2_147_483_647
_SENTENCES: Final = 256
_SIGNALS: Final[Mapping[str, str]] = {
    "r": "regeneration", "f": "reformulation", "e": "assistant_edit", "c": "correction", "t": "acceptance",
}  # fmt: skip
_RULES: Final[Mapping[str, str]] = {"r": "repeat", "f": "branch", "e": "assistant_edited", "g": "tool_step"}
_WORDS: Final = (
    "order account answer table window report service number garden module letter season weather station kernel "
    "planet bridge signal market recipe engine policy ticket lesson budget cable camera driver editor filter folder "
    "about after again against almost always before behind between during easily enough every first further however "
    "instead later likely mostly never nothing often perhaps quickly rather really second several simply slowly "
    "change check close compare copy count create delete describe enter explain follow handle include install keep "
    "leave measure notice open offer print prove reach read remove repeat replace report return select send set show "
    "small green early exact final general heavy inner large local modern narrow outer plain quick ready simple solid"
)


class Slot(NamedTuple):
    """One call of a block: what it is, and which messages it sent."""

    number: int
    session: int
    move: str
    asked: tuple[str, ...]
    """References of the messages, the instructions aside: `p3` is the common question of slot 3, `a3` its answer."""
    about: int | None
    """The slot before it in its conversation."""
    trace: int
    """The slot whose trace it shares."""
    calls_tool: bool


def slots(conversations: Sequence[str]) -> Iterator[Slot]:
    """The calls of a block."""
    number = 0
    for session, moves in enumerate(conversations):
        history: tuple[str, ...] = ()
        asked: tuple[str, ...] = ()
        trace = number
        for place, move in enumerate(moves):
            about = number - 1 if place else None
            if move == "f":
                asked = (*asked[:-1], f"u{number}")
            elif move != "r":
                before = (*history[:-1], f"e{about}") if move == "e" else history
                asked = (*before, f"p{number}" if move == "p" else f"u{number}")
            trace = trace if move == "g" else number
            yield Slot(number, session, move, asked, about, trace, moves[place + 1 : place + 2] == "g")
            history = (*asked, f"a{number}")
            number += 1


def make(root: Path, calls: int, *, days: int = 30, seed: int = 1, told: Any = None) -> None:
    """Write the tables of `calls` calls (whole blocks) over some days."""
    blocks = max(days, calls // _CALLS)
    for name in TABLES:
        LedgerTable.open(root / name, name, "bench")
    for number in range(days):
        first, last = number * blocks // days, (number + 1) * blocks // days
        queries = Day(seed, number, first, last)
        for name, query in queries.tables.items():
            _append(root / name, name, f"{queries.base} {query}")
        if told is not None:
            told(last * _CALLS, blocks * _CALLS)


def _append(path: Path, name: TableName, query: str) -> None:
    rows: Any = QueryBuilder().execute(query)
    write_deltalake(DeltaTable(path), rows, mode="append", writer_properties=writer_properties(name))


class Day:
    """The queries that make one day's rows."""

    def __init__(self, seed: int, number: int, first: int, last: int) -> None:
        self._seed = seed
        self._begin_ns = BEGIN_NS + number * _DAY_NS
        self._dt = day(self._begin_ns)
        step_ns = (_DAY_NS - _CALLS * _SLOT_NS) // (last - first)
        self.base: Final = f"""with pattern(pattern, slot, session, move, about, trace, calls_tool) as (
            values {_pattern()}
        ), block as (
            select value as block, {_draw("value", 3)} % {len(BLOCKS)} as pattern, value % {_TENANTS} as tenant_number
            from generate_series({first}, {last - 1})
        ), call as (
            select b.block, b.tenant_number, p.*, b.block * {_CALLS} + p.slot as n,
                concat('tenant-', cast(b.tenant_number as varchar)) as tenant,
                {self._hash("t", "b.block * 12 + p.trace")} as trace_id,
                left({self._hash("s", "b.block * 12 + p.slot")}, 16) as span_id,
                {self._hash("x", "b.block * 12 + p.session")} as session_id,
                {self._begin_ns} + (b.block - {first}) * {step_ns} + p.slot * {_SLOT_NS}
                    + {_draw(f"b.block * {_CALLS} + p.slot", 5)} % 1000000000 as opened_ns
            from block b join pattern p on b.pattern = p.pattern
        ), sentence(number, words) as (values {_sentences(seed)})"""

    @property
    def tables(self) -> dict[TableName, str]:
        """A query for each table that has rows."""
        return {
            "messages": self._messages(), "calls": self._calls(), "signals": self._signals(),
            "feedback": self._feedback(),
        }  # fmt: skip

    def _hash(self, tag: str, *columns: str) -> str:
        """An id by what it is of, and by numbers."""
        texts = ", '/', ".join(f"cast({column} as varchar)" for column in columns)
        return f"md5(concat('{self._seed}/{tag}/', {texts}))"

    def _message_id(self, ref: str) -> str:
        """The id of a message by its reference within a block."""
        if ref.startswith("p"):
            return self._hash("p", "tenant_number", _question(f"(block * {_CALLS} + {ref[1:]})"))
        return self._hash("m", "block", f"'{ref}'")

    def _calls(self) -> str:
        system, answered = self._hash("system", "tenant_number"), "concat('a', cast(slot as varchar))"
        arms = " ".join(
            f"when {pattern * _CALLS + slot.number} then "
            f"make_array({', '.join([system, *map(self._message_id, slot.asked)])})"
            for pattern, conversations in enumerate(BLOCKS)
            for slot in slots(conversations)
        )
        made = {
            "dt": f"'{self._dt}'", "trace_id": "trace_id", "span_id": "span_id", "tenant": "tenant",
            "server_span_id": f"right({self._hash('s', 'n')}, 16)", "session_id": "session_id",
            "user": f"case when {_draw('n - slot + session', 7)} % 10 > 0 then concat('user-', cast("
            f"{_draw('n - slot + session', 7)} % {_USERS} as varchar)) end",
            "client_hash": f"{self._hash('c', 'tenant_number')}", "opened_ns": "opened_ns",
            "closed_ns": f"opened_ns + {_TOOK_NS}", "duration_ns": _TOOK_NS, "first_byte_ns": f"{_TOOK_NS} / 4",
            "overhead_ns": "300000", "method": "'POST'", "path": "'/v1/chat/completions'", "api": "'chat'",
            "stream": "true", "retry_count": "0", "late": "false", "model": _MODEL,
            "model_served": f"concat({_MODEL}, '-2026-01')", "response_id": f"concat('chatcmpl-', {_RESPONSE})",
            "upstream": "'http://127.0.0.1:9999/v1'",
            "status": "200", "outcome": f"case when {_draw('n', 11)} % 100 < 2 then 'client_disconnected' "
            "else 'completed' end", "finish_reasons": "make_array('stop')",
            "input_tokens": f"100 + {_draw('n', 13)} % 900", "output_tokens": f"20 + {_draw('n', 17)} % 300",
            "message_ids": f"case pattern * {_CALLS} + slot {arms} end",
            "answer_ids": f"make_array({self._hash('m', 'block', answered)})",
            "params_json": f"""case when {_draw('n', 19)} % 10 < 8
                then '{{"metadata":{{"consent":"training"}},"temperature":0.7}}' else '{{"temperature":0.7}}' end""",
            "tools_id": f"case when pattern = 4 then {self._hash('tools', 'tenant_number')} end",
            "chunks": "40", "request_bytes": "2000", "response_bytes": "9000", "request_capture": "'full'",
            "response_capture": "'full'", "route": "case tenant_number % 3 when 0 then 'gold' when 1 then 'plain' end",
            "prompt_name": "case tenant_number % 4 when 0 then 'support' when 1 then 'search' end",
            "prompt_version": "case when tenant_number % 4 < 2 then '3' end",
        }  # fmt: skip
        return f"select {_columns('calls', made)} from call order by opened_ns"

    def _messages(self) -> str:
        asked, answered, edited = ("concat('u', cast(slot as varchar))", "concat('a', cast(slot as varchar))",
                                   "concat('e', cast(about as varchar))")  # fmt: skip
        number = _question("n")
        question = self._hash("p", "tenant_number", number)
        parts = [
            (
                f"select {self._hash('m', 'block', asked)} as message_id, tenant, "
                f"case move when 'g' then 'tool' else 'user' end as role, n, 'u' as part, calls_tool, opened_ns "
                "from call where move not in ('r', 'p')"
            ),
            (
                f"select {self._hash('m', 'block', answered)}, tenant, 'assistant', n, 'a', calls_tool, opened_ns "
                "from call"
            ),
            (
                f"select {self._hash('m', 'block', edited)}, tenant, 'assistant', n, 'e', false, opened_ns from call "
                "where move = 'e'"
            ),
            (
                f"select {question}, min(tenant), 'user', {_TENANTS} * {number} + tenant_number, 'p', false, "
                f"min(opened_ns) from call where move = 'p' group by tenant_number, {number}"
            ),
            (
                f"select {self._hash('system', 'tenant_number')}, min(tenant), 'system', tenant_number, 's', false, "
                "min(opened_ns) from call group by tenant_number"
            ),
            (
                f"select {self._hash('tools', 'tenant_number')}, min(tenant), 'tools', tenant_number, 'o', false, "
                "min(opened_ns) from call where pattern = 4 group by tenant_number"
            ),
        ]
        said = " || ' ' || ".join(f"s{place}.words" for place in range(4))
        text = f"""case part when 's' then 'You are a careful assistant of ' || tenant || '. ' || s0.words
            when 'o' then {_sql_text(_TOOLS)}
            when 'a' then {said} || ' It is number ' || cast(n as varchar) || '.'
            when 'e' then {said} || ' As agreed, it is number ' || cast(n as varchar) || '.'
            else 'Please say what ' || cast(n % 9973 as varchar) || ' means: ' || s1.words || ' '
                || cast(n as varchar) || case when n % 50 = 0 then ' Write to person@example.org.' else '' end
            end"""
        joins = " ".join(
            f"join sentence s{place} on s{place}.number = {_draw('m.n', 23 + 10 * place)} % {_SENTENCES}"
            for place in range(4)
        )
        made = {
            "dt": f"'{self._dt}'", "message_id": "message_id", "tenant": "tenant", "role": "role",
            "json": """case when calls_tool and role = 'assistant' then '{"role":"assistant","tool_calls":'
                || '[{"arguments":"{\\"query\\":\\"' || cast(n as varchar) || '\\"}","id":"call_1","name":"search"}]}'
                when role = 'tool' then '{"role":"tool","text":"' || text || '","tool_call_id":"call_1"}'
                else '{"role":"' || role || '","text":"' || text || '"}' end""",
            "char_count": "case when calls_tool and role = 'assistant' then 0 else character_length(text) end",
            "first_seen_ns": "opened_ns",
        }  # fmt: skip
        return f""", m as ({" union all ".join(parts)}), written as (
            select m.*, {text} as text from m {joins}
        ) select {_columns("messages", made)} from written order by opened_ns"""

    def _signals(self) -> str:
        before = {
            "trace_id": self._hash("t", f"block * {_CALLS} + case move when 'g' then trace else about end"),
            "span_id": f"left({self._hash('s', f'block * {_CALLS} + about')}, 16)",
        }
        kind = " ".join(f"when '{move}' then '{name}'" for move, name in _SIGNALS.items())
        rule = " ".join(f"when '{move}' then '{name}'" for move, name in _RULES.items())
        shown = {"shown_by_trace_id": "trace_id", "shown_by_span_id": "span_id"}
        both = {"dt": f"'{self._dt}'", "tenant": "tenant", "session_id": "session_id"}
        signal = both | before | shown | {
            "fact": "'signal'", "signal_id": self._hash("signal", "n"), "kind": f"case move {kind} end",
            "probability": f"0.5 + ({_draw('n', 53)} % 50) / 100.0", "found_ns": f"opened_ns + {NS_PER_S}",
            "detector": f"case move {kind} end", "detector_version": "'1.0'", "evidence_json": "'{}'",
            "polarity": "case move when 't' then 'positive' else 'negative' end", "provenance": "'rule'",
        }  # fmt: skip
        link = both | {
            "fact": "'link'", "trace_id": "trace_id", "span_id": "span_id", "tenant": "cast(null as varchar)",
            "kind": f"case move {rule} when 'p' then 'new' else case when about is null then 'new' else 'next_turn' "
            "end end", "probability": "1.0", "found_ns": f"opened_ns + {NS_PER_S // 100}",
            "evidence_json": f"""case when about is null then '{{"parent": null, "sibling": null}}' else
                '{{"parent": "' || {before["trace_id"]} || '-' || {before["span_id"]} || '", "sibling": null}}' end""",
        }  # fmt: skip
        moves = ", ".join(f"'{move}'" for move in _SIGNALS)
        return f"""select * from (
            select {_columns("signals", signal)} from call where move in ({moves})
            union all select {_columns("signals", link)} from call) order by found_ns"""

    def _feedback(self) -> str:
        kinds = " union all ".join(
            f"select {_columns('feedback', self._said(fields))} from spoken where {condition}"
            for condition, fields in self._kinds()
        )
        return f""", spoken as (select *, {_draw("n", 71)} % 100 as kind_draw, {_draw("n", 73)} % 100 as value_draw
            from call where {_draw("n", 67)} % 1000 < 11 or (move in ('r', 'g') and {_draw("n", 67)} % 1000 < 60))
        select * from ({kinds}) order by given_ns"""

    def _said(self, fields: dict[str, str]) -> dict[str, str]:
        """A feedback about its own call, but for the fields that are given."""
        plain = {
            "dt": f"'{self._dt}'", "tenant": "tenant", "given_ns": f"opened_ns + {60 * NS_PER_S}",
            "trace_id": "trace_id", "span_id": "span_id", "feedback_id": self._hash("feedback", "n"),
            "source": "'end_user'", "channel": "'api'", "body_sha256": self._hash("body", "n"),
            "key_id": "concat('key-', tenant)", "request_trace_id": self._hash("request", "n"),
            "request_span_id": f"left({self._hash('request', 'n')}, 16)",
        }  # fmt: skip
        return plain | fields

    def _kinds(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Which calls were spoken of how."""
        none = "cast(null as varchar)"
        thumb = {"kind": "'rating'", "value_json": "case when value_draw < 70 then 'true' else 'false' end"}
        later = {"feedback_id": self._hash("later", "n"), "supersedes": self._hash("feedback", "n"),
                 "given_ns": f"opened_ns + {600 * NS_PER_S}"}  # fmt: skip
        yield "kind_draw < 40", thumb
        by_response = {"trace_id": none, "span_id": none, "response_id": f"concat('chatcmpl-', {_RESPONSE})"}
        yield "kind_draw between 40 and 49", thumb | by_response
        yield "kind_draw between 50 and 59", {
            "kind": "'correction'", "source": "'expert'",
            "value_json": """'"' || 'The right answer is ' || cast(n as varchar) || ', and nothing else."'""",
        }  # fmt: skip
        yield "kind_draw between 60 and 64", {
            "kind": "'score'", "value_json": "cast(1 + value_draw % 5 as varchar)", "range_low": "1.0",
            "range_high": "5.0", "metric": "'helpfulness'",
        }  # fmt: skip
        yield "kind_draw between 65 and 72", {
            "kind": "'outcome'", "metric": "'resolved'", "direction": "'higher'", "source": "'system'",
            "value_json": "case when value_draw < 60 then 'true' else 'false' end",
            "at_ns": f"opened_ns + {3_600 * NS_PER_S}",
        }  # fmt: skip
        yield "kind_draw between 73 and 76", {
            "kind": "'label'", "value_json": "case when value_draw < 50 then 'true' else 'false' end",
            "source": "'expert'", "rubric": "'accuracy'", "rater": "concat('rater-', cast(n % 7 as varchar))",
        }  # fmt: skip
        yield "kind_draw between 77 and 80", {"kind": "'comment'", "value_json": """'"It could be shorter."'"""}
        yield "kind_draw between 81 and 86", {"kind": "'event'", "value_json": """'"copied"'"""}
        yield "kind_draw between 87 and 90", thumb | {"trace_id": self._hash("nobody", "n"), "span_id": none}
        yield "kind_draw between 91 and 92", thumb | {"trace_id": none, "span_id": none, "session_id": "session_id"}
        yield "kind_draw between 93 and 96", thumb
        yield "kind_draw between 93 and 94", thumb | later
        yield "kind_draw between 95 and 96", later | {"kind": "'retraction'", "value_json": "'null'"}
        yield "kind_draw >= 97 and move = 'g'", thumb | {"span_id": none}
        yield "kind_draw >= 60 and move = 'r'", self._ranked(0)
        yield "kind_draw >= 60 and move = 'r'", self._ranked(1)

    def _ranked(self, item: int) -> dict[str, str]:
        """One of two calls in an order: the regenerated answer first, or last."""
        slot = "slot" if item == 0 else "about"
        return {
            "kind": "'ranking'", "value_json": "'null'", "item": str(item), "shown": str(1 - item),
            "rank": f"case when value_draw < 70 then {item} else {1 - item} end",
            "feedback_id": self._hash("ranking", "n"),
            "trace_id": self._hash("t", f"block * {_CALLS} + {slot}"),
            "span_id": f"left({self._hash('s', f'block * {_CALLS} + {slot}')}, 16)",
        }  # fmt: skip


def _draw(number: str, salt: int) -> str:
    """A number below `_PRIME` that looks random, by a number and a salt."""
    return f"((({number}) * {48_271 * salt * salt + 69_621} + {salt}) % {_PRIME} * 16807 % {_PRIME})"


def _question(number: str) -> str:
    """Which of its tenant's common questions a call asks."""
    return f"({_draw(number, 29)} % 1000 * ({_draw(number, 31)} % {_QUESTIONS}) / 1000)"


_TOOK_NS: Final = f"({_draw('n', 37)} % 5000 * 1000000 + 200000000)"
_MODEL: Final = f"concat('model-', cast({_draw('n', 41)} % 4 as varchar))"
_RESPONSE: Final = "substr(md5(concat('response/', cast(n as varchar))), 1, 28)"
_TOOLS: Final = (
    '[{\\"type\\":\\"function\\",\\"function\\":{\\"name\\":\\"search\\",\\"parameters\\":{\\"type\\":\\"object\\",'
    '\\"properties\\":{\\"query\\":{\\"type\\":\\"string\\"}}}}}]'
)


def _pattern() -> str:
    rows = [(pattern, slot) for pattern, conversations in enumerate(BLOCKS) for slot in slots(conversations)]
    return ", ".join(
        f"({pattern}, {one.number}, {one.session}, '{one.move}', {'null' if one.about is None else one.about}, "
        f"{one.trace}, {'true' if one.calls_tool else 'false'})"
        for pattern, one in rows
    )


def _sentences(seed: int) -> str:
    drawn = random.Random(seed)  # noqa: S311 -- made-up texts, the same for the same seed
    words = _WORDS.split()
    made = (" ".join(drawn.choices(words, k=drawn.randint(8, 18))).capitalize() + "." for _ in range(_SENTENCES))
    return ", ".join(f"({number}, '{text}')" for number, text in enumerate(made))


def _sql_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_NULLS: Final[Mapping[str, str]] = {
    "text": "cast(null as varchar)", "int": "cast(null as bigint)", "real": "cast(null as double)",
    "flag": "cast(null as boolean)", "texts": "make_array()",
}  # fmt: skip


def _columns(table: TableName, made: Mapping[str, str]) -> str:
    """Every column of a table, null where nothing is made for it."""
    types = {"text": "varchar", "int": "bigint", "real": "double", "flag": "boolean"}
    return ", ".join(
        f'cast({made[name]} as {types[kind]}) as "{name}"'
        if name in made and kind in types
        else f'{made.get(name, _NULLS[kind])} as "{name}"'
        for name, kind in COLUMNS[table].items()
    )


def main() -> None:
    """Make a ledger and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began_s, began_cpu_s = time.monotonic(), time.process_time()

    def told(done: int, total: int) -> None:
        sys.stderr.write(f"{done:,} of {total:,} calls, {time.monotonic() - began_s:.0f} s\n")

    make(asked.root, asked.calls, days=asked.days, seed=asked.seed, told=told)
    size = sum(file.stat().st_size for file in asked.root.rglob("*.parquet"))
    sys.stdout.write(
        f"{asked.calls:,} calls in {time.monotonic() - began_s:.0f} s, {time.process_time() - began_cpu_s:.0f} s CPU, "
        f"{size / 1e6:,.0f} MB\n"
    )


if __name__ == "__main__":
    main()
