"""The body of POST /v1/feedback: from bytes to a `FeedbackBody`, or one sentence about the first thing that is wrong.

In: raw bytes and the Idempotency-Key header. Out: `Given`. The one rule: strict; an unknown field, a second target or
a value of another kind is refused by name with what is allowed, and nothing is guessed.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from backtalk.clock import NS_PER_S
from backtalk.feedback.about import CallTarget, Spoken
from backtalk.feedback.kinds import KINDS, Survey
from backtalk.feedback.refusal import refusal, unknown_kind, wrong
from backtalk.feedback.strict_json import read_object
from backtalk.model import feedback
from backtalk.model.feedback import FeedbackBody

_KEY: Final = re.compile(r"[\x21-\x7e]{1,256}", re.ASCII)
_CLOCK_SKEW_NS: Final = 300 * NS_PER_S
"""So far may a sender's clock be ahead of ours."""


class Given(NamedTuple):
    """A checked feedback and the key under which the client may send it again, if it gave one."""

    body: FeedbackBody
    idempotency_key: str | None


def parse(raw: bytes, *, idempotency_key: str | None = None, now_ns: int | None = None) -> Given:
    """Check a body; raises `RequestError` that names the field and says what is allowed."""
    return parse_object(read_object(raw), idempotency_key=idempotency_key, now_ns=now_ns)


def parse_object(fields: Mapping[str, Any], *, idempotency_key: str | None = None, now_ns: int | None = None) -> Given:
    """As `parse`, for one feedback that was read as JSON already; `now_ns` bounds its `at`."""
    kind = fields.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise unknown_kind(kind, KINDS)
    try:
        said = model.model_validate({name: v for name, v in fields.items() if v is not None or name == "value"})
    except ValidationError as error:
        raise refusal(error, model, str(kind)) from error
    if now_ns is not None and said.at is not None and said.at > now_ns + _CLOCK_SKEW_NS:
        ahead_s = (said.at - now_ns) / NS_PER_S
        raise wrong("at", f"at is {ahead_s:.0f} s ahead of now; send when it became true, in unix seconds or RFC 3339")
    return Given(_body(said), _key(said.id, idempotency_key))


def _body(said: Spoken) -> FeedbackBody:
    """The same as the spool keeps it: absent fields are absent, `at` is an instant, a survey has its state."""
    given = {name: value for name in said.model_fields_set if (value := getattr(said, name)) is not None}
    given |= {name: make(given[name]) for name, make in _MADE.items() if name in given}
    given |= {"at_ns": given.pop("at", None)} | ({"state": said.state} if isinstance(said, Survey) else {})
    given.pop("id", None)
    return FeedbackBody(**given)


def _targets(calls: Iterable[CallTarget]) -> tuple[feedback.Target, ...]:
    return tuple(feedback.Target(**call.model_dump(exclude_none=True)) for call in calls)


_MADE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "calls": _targets,
    "shown": _targets,
    "order": lambda groups: tuple(_targets(group) for group in groups),
    "span": lambda span: feedback.TextSpan(span.start, span.end),
    "range": tuple,
}


def _key(in_body: str | None, in_header: str | None) -> str | None:
    if in_header is not None and not _KEY.fullmatch(in_header):
        raise wrong("Idempotency-Key", "the Idempotency-Key header must have 1 to 256 visible ASCII characters")
    if in_body and in_header and in_body != in_header:
        raise wrong("id", "id and the Idempotency-Key header differ; send one of them, or the same in both")
    return in_header or in_body
