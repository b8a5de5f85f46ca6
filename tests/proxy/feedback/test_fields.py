"""The fields' types on their own: instants, names and ids."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from backtalk.feedback.fields import At, FeedbackId, Name

_AT: TypeAdapter[int] = TypeAdapter(At)


@given(
    st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001 -- zones are drawn apart
    st.integers(-14 * 60, 14 * 60),
)
def test_an_instant_is_the_same_in_every_zone(naive: datetime, offset_min: int) -> None:
    """An offset changes how an instant is written, never which one it is; not a microsecond is lost."""
    moment = naive.replace(tzinfo=UTC)
    written = moment.astimezone(timezone(timedelta(minutes=offset_min))).isoformat()
    assert _AT.validate_python(written) == _AT.validate_python(moment.isoformat())
    assert _AT.validate_python(written) // 1_000 == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )


@pytest.mark.parametrize("value", ["", "now", "2026-11-26", "2026-11-26T10:00", True, None, [], -0.5, 1e300, 10**30])
def test_what_is_no_instant_is_refused(value: Any) -> None:
    """A time without a zone is another instant in every zone; milliseconds are no seconds."""
    with pytest.raises(ValidationError):
        _AT.validate_python(value)


@pytest.mark.parametrize(("kind", "value"), [(Name, " a"), (Name, "a\n"), (Name, ""), (FeedbackId, "A" * 32)])
def test_names_and_ids_are_plain(kind: Any, value: str) -> None:
    """What would look like another name, or stand in a log line as two, is none."""
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


def test_a_schema_says_what_may_be_sent_as_an_instant() -> None:
    """The schema is of what is sent, not of what is kept."""
    said = json.dumps(_AT.json_schema())
    assert "string" in said
    assert "number" in said
