"""What a feedback is about: exactly one key."""

from typing import Any

import pytest
from pydantic import ValidationError

from backtalk.feedback.about import TARGETS, About, CallTarget, TextSpan, said

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_KEYS: dict[str, Any] = {
    "trace_id": _TRACE,
    "request_id": f"{_TRACE}-00f067aa0ba902b7",
    "response_id": "r",
    "traceparent": f"00-{_TRACE}-00f067aa0ba902b7-01",
    "session_id": "s",
    "calls": [{"trace_id": _TRACE}, {"response_id": "r"}],
}


def test_each_key_alone_says_what_is_meant() -> None:
    """There is an example of every key here, and each is enough."""
    assert set(_KEYS) == set(TARGETS)
    for name, value in _KEYS.items():
        assert said(About.model_validate({name: value})) == {name}


@pytest.mark.parametrize("first", TARGETS)
@pytest.mark.parametrize("second", TARGETS)
def test_two_keys_may_mean_two_things(first: str, second: str) -> None:
    """Nobody could say which of them is right."""
    if first == second:
        return
    with pytest.raises(ValidationError, match="are given together"):
        About.model_validate({first: _KEYS[first], second: _KEYS[second]})


def test_null_is_as_good_as_absent() -> None:
    """Client libraries send null for what is not set, inside of lists too."""
    assert said(CallTarget.model_validate({"trace_id": _TRACE, "response_id": None, "choice": None})) == {"trace_id"}


def test_one_of_several_calls_is_no_session() -> None:
    """What is said of a session is not about calls of it."""
    with pytest.raises(ValidationError, match="session_id"):
        CallTarget.model_validate({"session_id": "s"})


def test_a_span_holds_something() -> None:
    """From a character to behind a later one."""
    assert (TextSpan(start=0, end=1).start, TextSpan(start=0, end=1).end) == (0, 1)
    with pytest.raises(ValidationError, match="must start before it ends"):
        TextSpan(start=1, end=1)
