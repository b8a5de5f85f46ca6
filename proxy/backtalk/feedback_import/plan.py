"""Which column says what: from a row's fields to feedback as POST /v1/feedback takes it.

In: a row and a `Plan`. Out: bodies, none where the row says nothing, or one sentence. The one rule: an empty cell says
nothing; null is never zero.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, NoReturn

from backtalk.errors import RequestError
from backtalk.model.call_names import target_field

NAMES: Final = (
    "trace_id", "request_id", "response_id", "traceparent", "session_id", "kind", "metric", "value", "at", "comment",
    "rater", "span_id", "id", "choice", "range", "level", "rubric", "distance", "duration_s", "state", "answers",
    "supersedes", "span", "order", "shown", "calls",
)  # fmt: skip
"""Fields of a feedback that a column may hold; one of this name is taken for it without being told."""

TARGETS: Final = NAMES[:5]
_SAYING: Final = ("value", "answers", "order", "state")
"""Fields without which a row says nothing."""
_OF_OUTCOMES: Final = ("kind", "metric", "value")
"""Fields that each of a plan's outcomes says itself."""
_SHOWN_CHARS: Final = 500
_NESTED: Final = frozenset(("range", "answers", "span", "order", "shown", "calls"))
_NUMBERS: Final = frozenset(("choice", "distance", "duration_s"))
_TEXTS: Final = frozenset(("comment", "correction", "event"))
"""Kinds whose value is words, whatever they look like."""
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TRUTHS: Final = {"true": True, "false": False}
_THUMBS: Final = {**_TRUTHS, "1": True, "0": False, "up": True, "down": False, "yes": True, "no": False}


class Plan(NamedTuple):
    """How columns become fields. What is told wins over a column of the field's own name."""

    key: str | None = None
    """Column that holds any key of the call; its form tells which."""
    columns: Mapping[str, str] = {}
    """Field -> column."""
    constants: Mapping[str, str] = {}
    """Field -> the same text in every row."""
    outcomes: Mapping[str, str] = {}
    """Metric -> column: each is an outcome of its own, so that a row may hold several."""


def check(plan: Plan) -> None:
    """Raise `RequestError` for a field that there is not, or that is given twice."""
    for name in (*plan.columns, *plan.constants):
        if name not in NAMES:
            raise RequestError(f"{name} is no field of a feedback; there are {', '.join(NAMES)}", code="unknown_field")
    for name in plan.columns.keys() & plan.constants.keys():
        raise RequestError(f"{name} is given by --map and by --set; give one of them", code="bad_arguments")
    for name in _OF_OUTCOMES if plan.outcomes else ():
        if name in plan.columns or name in plan.constants:
            message = f"{name} is given by --{'map' if name in plan.columns else 'set'} and by --outcome METRIC=COLUMN"
            raise RequestError(f"{message}; give one of them", code="bad_arguments")


def bodies(plan: Plan, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The feedback that a row holds; raises `RequestError` where it holds something that is none."""
    said = _said(plan, fields)
    about = _about(plan, said, fields)
    if plan.outcomes:
        rows = [(metric, fields.get(column)) for metric, column in plan.outcomes.items()]
        found = [
            {**said, "kind": "outcome", "metric": metric, "value": value} for metric, value in rows if not _empty(value)
        ]
        own = [{**one, "id": f"{one['id']}:{one['metric']}"} if "id" in one else one for one in found]
        return [_sealed(one | about) for one in own]
    said.setdefault("kind", "outcome")
    return [_sealed(said | about)] if "value" in said or _says_without_value(said) else []


def _says_without_value(said: Mapping[str, Any]) -> bool:
    return any(name in said for name in _SAYING[1:])


def _said(plan: Plan, fields: Mapping[str, Any]) -> dict[str, Any]:
    taken = {plan.key, *plan.columns.values(), *plan.outcomes.values()}
    by_name = {name: name for name in NAMES if name in fields and name not in taken}
    columns = {**by_name, **plan.columns}
    found = {name: fields[column] for name, column in columns.items() if not _empty(fields.get(column))}
    return found | dict(plan.constants)


def _about(plan: Plan, said: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The key of the call; a column given as the key stands for those named like one."""
    if plan.key is None:
        return {}
    key = fields.get(plan.key)
    if _empty(key):
        _wrong(f"the column {plan.key}, which names the call, is empty")
    for name in TARGETS:
        said.pop(name, None)
    return dict(target_field(str(key).strip()))


def _sealed(body: dict[str, Any]) -> dict[str, Any]:
    """The body with values of their types and an id: the row's own, or one made of all that it says."""
    typed = {name: _typed(name, value, str(body["kind"])) for name, value in body.items()}
    if "id" not in typed:
        words = json.dumps(typed, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        typed["id"] = f"import-{hashlib.sha256(words.encode()).hexdigest()[:32]}"
    return typed


def _typed(name: str, value: Any, kind: str) -> Any:
    if not isinstance(value, str):
        return _plain(name, value)
    text = value.strip()
    if name in _NESTED:
        return _nested(name, text)
    if name in _NUMBERS or (name == "at" and _NUMBER.fullmatch(text)):
        return _number(text) if _NUMBER.fullmatch(text) else text
    if name != "value" or kind in _TEXTS:
        return text if name != "value" else _words(kind, value)
    if kind == "rating":
        return _THUMBS.get(text.lower(), text)
    return _number(text) if _NUMBER.fullmatch(text) else _TRUTHS.get(text.lower(), text)


def _words(kind: str, value: str) -> Any:
    """A text as it stands; a correction that is a JSON object is an assistant message."""
    if kind == "correction" and value.lstrip().startswith("{"):
        return _nested("value", value)
    return value


def _plain(name: str, value: Any) -> Any:
    """A value of JSON's or Parquet's own types."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        _wrong(f"{name} holds bytes; it must be a text, a number or true or false")
    return value


def _nested(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        _wrong(f"{name} must be JSON in a cell, not {text[:40]!r}")


def _number(text: str) -> float:
    """A whole number as one: a body says 3, not 3.0."""
    number = float(text)
    return int(text) if text.lstrip("+-").isdigit() and len(text) < 16 else number


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _wrong(message: str) -> NoReturn:
    raise RequestError(message, code="bad_row")


def check_columns(plan: Plan, columns: Sequence[str]) -> None:
    """Raise `RequestError` for a column that was named and that the file has not, and where none says anything."""
    there_are = f"its columns are {', '.join(columns)[:_SHOWN_CHARS]}"
    for name in (plan.key, *plan.columns.values(), *plan.outcomes.values()):
        if name is not None and name not in columns:
            raise RequestError(f"the file has no column {name}; {there_are}", code="unknown_column")
    if not plan.outcomes and {*columns, *plan.columns, *plan.constants}.isdisjoint(_SAYING):
        message = f"no column says anything: name one with --outcome COLUMN or --map value=COLUMN; {there_are}"
        raise RequestError(message, code="nothing_said")
