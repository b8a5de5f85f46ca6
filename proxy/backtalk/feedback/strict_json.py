"""JSON as the feedback door reads it: one object, and nothing in it that two readers could understand differently.

In: bytes from anyone. Out: a dict of finite, well-formed values. Refused, each with its own sentence: invalid UTF-8,
lone surrogates, repeated keys, NaN and infinities, numbers beyond a double, too many values, too deep nesting.
"""

import collections
import json
import math
from collections.abc import Iterator, Sized
from typing import Any, Final, NoReturn, cast

from backtalk.errors import RequestError

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 10_000
"""Most values in a body: it is read by the process that relays calls, which wait meanwhile."""
_SHOWN: Final = 80


def read_object(raw: bytes) -> dict[str, Any]:
    """Parse the body; raises `RequestError` with the code `invalid_json` that says what is wrong and where."""
    value = _parsed(_text(raw))
    if not isinstance(value, dict):
        refuse(f"the body must be a JSON object, not {kind_of(value)}")
    known = cast(dict[str, Any], value)
    if _is_suspect(raw):
        _check(known)
    return known


def kind_of(value: object) -> str:
    """The JSON name of a value's type, for sentences."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "a boolean"
    if isinstance(value, int | float):
        return "a number"
    names: dict[type, str] = {str: "a string", list: "a list", dict: "an object"}
    return names[type(value)]


def shown(text: str) -> str:
    """A text of the caller's as it stands in a sentence: quoted, escaped, cut."""
    return json.dumps(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def refuse(message: str, *, param: str | None = None) -> NoReturn:
    """Say that the body is no acceptable JSON."""
    raise RequestError(message, code="invalid_json", param=param)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        refuse(f"the body is not valid UTF-8 (byte {error.start})")


def _parsed(text: str) -> object:
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        refuse(f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})")
    except RecursionError:
        refuse(f"the body is nested deeper than {MAX_DEPTH} levels")
    except ValueError:  # an integer with more digits than Python converts
        refuse("the body holds a number that is too long")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_VALUES:
        _too_many()
    found = dict(pairs)
    if len(found) < len(pairs):
        again, _ = collections.Counter(name for name, _ in pairs).most_common(1)[0]
        refuse(f"the key {shown(again)} stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    refuse(f"{name} is not JSON; send a finite number or leave the field out")


def _is_suspect(raw: bytes) -> bool:
    """Whether a body may hold too much, too deep, or half of a surrogate: few do, and only they are walked through."""
    return raw.count(b"{") + raw.count(b"[") > MAX_DEPTH or raw.count(b",") > MAX_VALUES - MAX_DEPTH or b"\\u" in raw


def _check(value: object) -> None:
    """Walk level by level, so that depth costs no stack."""
    level: list[object] = [value]
    count = 0
    for _ in range(MAX_DEPTH):
        count += sum(len(cast("Sized", item)) for item in level if isinstance(item, dict | list))
        if count > MAX_VALUES:
            _too_many()
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return
    refuse(f"the body is nested deeper than {MAX_DEPTH} levels")


def _too_many() -> NoReturn:
    refuse(f"the body holds more than {MAX_VALUES} values")


def _inside(item: object) -> Iterator[object]:
    if isinstance(item, dict):
        known = cast(dict[str, object], item)
        yield from known
        yield from known.values()
    elif isinstance(item, list):
        yield from cast(list[object], item)
    elif isinstance(item, str) and not _is_unicode(item):
        refuse("a string holds half of a surrogate pair, which is no Unicode text")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        _beyond()
    return number


def _integer(digits: str) -> int:
    number = int(digits)
    try:
        float(number)
    except OverflowError:
        _beyond()
    return number


def _beyond() -> NoReturn:
    refuse("a number is beyond what a double can hold")


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_float, parse_int=_integer
)
