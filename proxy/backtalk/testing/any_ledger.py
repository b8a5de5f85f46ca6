"""A ledger with everything that datasets must stand: rows by table, the same for the same number.

Out: rows of calls, messages, signals and feedback with keys that fit one call, several or none, in every tenant, with
nulls, repeats and texts that break quotes.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from deltalake import write_deltalake

from backtalk.ledger.days import day
from backtalk.ledger.schema import COLUMNS, TableName, arrow_table

_NOON_NS: Final = 1_767_268_800_000_000_000
_STEP_NS: Final = 40_000_000_000
_TENANTS: Final = ("acme", "o'brien", 'we"ird\\', "нет", "", None)
_TEXTS: Final = ("plain", "it's", 'a "b" \\n', "ü 漢字 🙂", "", "tab\there", "a,b/c", "%_*?[]")
_NEWER: Final = frozenset(("purpose", "prompt_name", "erased_ns", "provenance", "replay", "supersedes", "item", "rank"))
"""Columns that the first files do not have."""


def any_ledger(seed: int, calls: int) -> dict[TableName, list[dict[str, Any]]]:
    """The rows."""
    draw = random.Random(seed)  # noqa: S311 -- the same each time
    made = [_call(draw, number) for number in range(calls)]
    return {
        "calls": made,
        "messages": [row for number in range(calls // 3) for row in _messages(draw, number)],
        "signals": [_signal(draw, made, number) for number in range(calls)],
        "feedback": [_feedback(draw, made, number) for number in range(calls)],
    }


def write_any(root: Path, rows: Mapping[TableName, Sequence[Mapping[str, Any]]]) -> Path:
    """Write them as two versions: the first half by a release that did not know the newer columns."""
    for name, given in rows.items():
        old = {column: kind for column, kind in COLUMNS[name].items() if column not in _NEWER}
        half = len(given) // 2
        for kinds, part in ((old, given[:half]), (COLUMNS[name], given[half:])):
            write_deltalake(
                root / name, arrow_table(kinds, part), mode="append", partition_by=["dt"], schema_mode="merge"
            )
    return root


def _call(draw: random.Random, number: int) -> dict[str, Any]:
    opened_ns = _NOON_NS + (number - draw.randrange(9)) * _STEP_NS
    said = [f"m{draw.randrange(40)}" for _ in range(draw.randrange(4))]
    return {
        "dt": day(opened_ns), "trace_id": f"t{number // draw.choice((1, 1, 1, 3))}", "span_id": f"s{number}",
        "parent_span_id": draw.choice((None, "", f"p{number // 4}")), "tenant": draw.choice(_TENANTS),
        "session_id": draw.choice((None, f"n{number // 5}")), "user": draw.choice((None, *_TEXTS)),
        "opened_ns": opened_ns, "api": "chat", "model": draw.choice((None, "m", "it's")), "model_served": "m-1",
        "response_id": draw.choice((None, "", f"r{number}", f"r{number // 50}")), "status": 200,
        "outcome": "completed", "message_ids": said, "answer_ids": [f"a{number}"], "route": draw.choice((None, "r")),
        "tools_id": draw.choice((None, None, "", "tools")), "params_json": draw.choice((None, "{}", *_TEXTS)),
        "request_capture": "full", "response_capture": "full", "purpose": "evaluation" if number % 17 == 0 else None,
        "prompt_name": draw.choice((None, *_TEXTS)), "erased_ns": 1 if number % 31 == 0 else None,
    }  # fmt: skip


def _messages(draw: random.Random, number: int) -> list[dict[str, Any]]:
    """Some known, some not, some written twice."""
    seen_ns = _NOON_NS + number * _STEP_NS
    text = draw.choice(_TEXTS) + str(number)
    return [
        {"dt": day(seen_ns), "message_id": name, "tenant": "acme", "role": "user", "first_seen_ns": seen_ns,
         "json": draw.choice((None, text)), "char_count": len(text)}
        for name in (f"m{number % 40}", f"a{number}", "tools")
    ]  # fmt: skip


def _signal(draw: random.Random, calls: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    about, by = draw.choice(calls), draw.choice((*calls[:50], {"trace_id": "t-none", "span_id": "s-none"}))
    fact = draw.choice(("signal", "signal", "signal", "withdrawal", "link", "relation"))
    if fact == "link":
        about = draw.choice(calls[:50])
    return {
        "dt": about["dt"], "fact": fact, "signal_id": f"x{number // 2}" if fact in ("signal", "withdrawal") else None,
        "kind": draw.choice(("regeneration", "reformulation", "assistant_edit", "stop")),
        "trace_id": about["trace_id"], "span_id": about["span_id"], "shown_by_trace_id": by["trace_id"],
        "shown_by_span_id": by["span_id"], "probability": draw.choice((0.0, 0.1, 0.5, 1.0)),
        "found_ns": _NOON_NS + draw.randrange(500) * _STEP_NS, "tenant": about.get("tenant"),
        "evidence_json": draw.choice((None, "{}", *_TEXTS)), "polarity": draw.choice((None, "negative")),
        "provenance": draw.choice((None, "llm")), "replay": draw.choice((None, 0, 1, 2)),
    }  # fmt: skip


def _feedback(draw: random.Random, calls: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    about = draw.choice(calls)
    key = draw.choice(
        ({"trace_id"}, {"trace_id", "span_id"}, {"trace_id", "parent_span_id"}, {"response_id"}, set[str]())
    )
    given_ns = _NOON_NS + draw.randrange(9_000) * _STEP_NS
    named = {name: about[name] for name in key}
    return named | {
        "dt": day(given_ns), "feedback_id": f"f{number - draw.choice((0, 0, 0, 1))}", "given_ns": given_ns,
        "kind": draw.choice(("rating", "correction", "comment", "retraction")),
        "value_json": draw.choice((None, "true", *_TEXTS)), "request_span_id": f"q{number}",
        "tenant": draw.choice((about["tenant"], about["tenant"], "acme")), "item": draw.choice((None, None, 0, 1)),
        "session_id": None if key else draw.choice((None, "n1")), "rater": draw.choice((None, *_TEXTS)),
        "supersedes": draw.choice((None, None, "", f"f{draw.randrange(number + 1)}")), "rank": draw.choice((None, 1)),
        "range_low": draw.choice((None, 0.0, -1.5)), "at_ns": draw.choice((None, given_ns)),
    }  # fmt: skip
