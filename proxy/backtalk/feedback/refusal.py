"""What a model refuses, as one sentence: the field, what it must be, and what was there instead.

In: pydantic's first error about a body, and the body's kind. Out: a `RequestError`. The one rule: a sentence quotes at
most the beginning of a value, and says what is allowed in the words of the field's own description.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from backtalk.errors import RequestError
from backtalk.feedback.strict_json import kind_of, shown

MAX_PARAM_CHARS: Final = 256
_LONGEST_FIELD: Final = 32
_QUOTED: Final = re.compile(r"'([^']*)'")
_MEMBERS: Final = frozenset(("bool", "float", "int", "str", "none"))


def refusal(error: ValidationError, model: type[BaseModel], kind: str) -> RequestError:
    """The refusal of the first thing that is wrong; a field that nobody knows may be why another one is missing."""
    found = error.errors(include_url=False)
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    steps = _steps(first)
    name, leaf = ".".join(steps), steps[-1] if steps else ""
    context: Mapping[str, Any] = first.get("ctx", {})
    if first["type"] == "sentence":
        inside = f"{name}." if steps else ""
        return wrong(f"{inside}{context['param']}", f"{f'{name}: ' if steps else ''}{context['sentence']}")
    if first["type"] == "extra_forbidden":
        return _unknown(name, leaf, _fields_at(model, steps[:-1]))
    allowed = _description(model, steps)
    if first["type"] == "missing":
        takes = f"{kind} feedback takes" if len(steps) == 1 else "it must be"
        return wrong(name, f"{name} is missing; {takes} {allowed}", code="missing_field")
    subject = f"the value of a {kind}" if name == "value" else name
    return wrong(name, _sentence(first, subject, name, allowed))


def unknown_kind(kind: object, kinds: Iterable[str]) -> RequestError:
    """The refusal of a body whose kind is missing or none."""
    listed = list(kinds)
    allowed = f"allowed are {', '.join(listed)}"
    if kind is None:
        return wrong("kind", f"kind is missing; {allowed}", code="missing_field")
    return wrong("kind", f"kind {shown(str(kind))} is not known{nearest(str(kind), listed)}; {allowed}")


def wrong(param: str, message: str, *, code: str = "invalid_field") -> RequestError:
    """A refusal that names the field."""
    return RequestError(message, code=code, param=param[:MAX_PARAM_CHARS])


def nearest(name: str, known: Iterable[str]) -> str:
    """A question about the name that is nearest; the cost grows with a name's length, so its beginning counts."""
    close = difflib.get_close_matches(name[:_LONGEST_FIELD], list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _unknown(name: str, leaf: str, known: list[str]) -> RequestError:
    near = nearest(leaf, known) or f"; known are {', '.join(known)}"
    return wrong(name, f"unknown field {shown(name)}{near}", code="unknown_field")


def _sentence(error: ErrorDetails, subject: str, name: str, allowed: str) -> str:
    given = error["input"]
    match error["type"]:
        case "empty":
            return f"{subject} must be {allowed}, not an empty text"
        case "plain":
            return f"{name} must be printable, without spaces around it"
        case "string_too_short" | "string_too_long":
            return f"{name} must be {allowed}; this one has {len(given)} characters"
        case "literal_error" if isinstance(given, str):
            options = _QUOTED.findall(error.get("ctx", {})["expected"])
            return f"{name} {shown(given)} is not known{nearest(given, options)}; allowed are {', '.join(options)}"
        case "string_pattern_mismatch" | "form":
            return f"{name} {shown(given)} must be {allowed}"
        case _:
            return f"{subject} must be {allowed}, not {_given(given)}"


def _given(value: object) -> str:
    if isinstance(value, str):
        return f"{kind_of(value)} ({shown(value)})"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{kind_of(value)} ({value:g})" if is_number else kind_of(value)


def _steps(error: ErrorDetails) -> list[str]:
    """Where it is, without the names that pydantic gives the members of a union and the keys of an object."""
    steps = [str(step) for step in error["loc"]]
    return steps[:-1] if len(steps) > 1 and (steps[-1] in _MEMBERS or "[" in steps[-1]) else steps


def _description(model: type[BaseModel], steps: list[str]) -> str:
    """What the innermost field on the way must be."""
    inner, names = model, [step for step in steps if not step.isdigit()]
    said = "of another form"
    for name in names:
        if name not in inner.model_fields:
            break
        field = inner.model_fields[name]
        said = field.description or next(_descriptions(field.annotation), said)
        inner = next(_models(field.annotation), inner)
    return said


def _fields_at(model: type[BaseModel], steps: list[str]) -> list[str]:
    """The names that are known there, those that are always given first."""
    for name in steps:
        if name in model.model_fields:
            model = next(_models(model.model_fields[name].annotation), model)
    fields = model.model_fields
    return sorted(fields, key=lambda name: not fields[name].is_required())


def _descriptions(annotation: object) -> Iterator[str]:
    for part in getattr(annotation, "__metadata__", ()):
        if isinstance(part, FieldInfo) and part.description:
            yield part.description
    for inner in get_args(annotation):
        yield from _descriptions(inner)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
