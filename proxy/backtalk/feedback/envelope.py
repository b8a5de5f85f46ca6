"""What stands around feedback in the body of POST /v1/feedback: one alone, or several as `items`.

In: the body's bytes. Out: an `Envelope` of unchecked feedback. The one rule: `token`, `dryrun` and `items` are the
envelope's own; all else is left to whoever checks each feedback by itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from backtalk.errors import RequestError
from backtalk.feedback.strict_json import kind_of, read_object, shown

_OWN: Final = ("token", "dryrun", "items")


class Envelope(NamedTuple):
    """Unchecked feedback. `token` is for senders that cannot set a header (`navigator.sendBeacon`)."""

    items: Sequence[object]
    several: bool
    token: str | None
    dryrun: bool


def open_envelope(raw: bytes, *, max_items: int) -> Envelope:
    """Read a body; raises `RequestError` where it is no envelope or holds too much."""
    fields = read_object(raw)
    token, dryrun = fields.get("token"), fields.get("dryrun")
    if token is not None and not isinstance(token, str):
        raise _wrong("token", f"token must be a string, not {kind_of(token)}")
    if dryrun is not None and not isinstance(dryrun, bool):
        raise _wrong("dryrun", f"dryrun must be true or false, not {kind_of(dryrun)}")
    if "items" not in fields:
        said = {name: value for name, value in fields.items() if name not in _OWN}
        return Envelope([said], several=False, token=token, dryrun=bool(dryrun))
    return Envelope(_items(fields, max_items), several=True, token=token, dryrun=bool(dryrun))


def item(value: object) -> Mapping[str, Any]:
    """One of several, which must be an object; raises `RequestError` otherwise."""
    if not isinstance(value, dict):
        raise _wrong("items", f"each of items must be an object, not {kind_of(value)}")
    return cast("dict[str, Any]", value)


def _items(fields: Mapping[str, Any], max_items: int) -> list[object]:
    beside = next((name for name in fields if name not in _OWN), None)
    if beside is not None:
        raise _wrong(beside, f"{shown(beside)} stands beside items; each feedback stands in items with all its fields")
    items = fields["items"]
    if not isinstance(items, list):
        raise _wrong("items", f"items must be a list of feedback, not {kind_of(items)}")
    listed = cast("list[object]", items)
    if not 1 <= len(listed) <= max_items:
        raise _wrong(
            "items", f"items must hold 1 to {max_items} feedback, not {len(listed)}; send more in several bodies"
        )
    return listed


def _wrong(param: str, message: str) -> RequestError:
    return RequestError(message, code="invalid_field", param=param[:256])
