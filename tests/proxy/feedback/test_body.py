"""The body of POST /v1/feedback: what is accepted, and the sentence for everything else."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import RequestError
from backtalk.feedback.body import parse
from backtalk.feedback.fields import MAX_NAME_CHARS
from backtalk.feedback.kinds import KINDS

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_SPAN = "00f067aa0ba902b7"


def _body(**fields: Any) -> bytes:
    return json.dumps({"kind": "rating", "value": True, "trace_id": _TRACE} | fields).encode()


def _refusal(raw: bytes, key: str | None = None) -> RequestError:
    with pytest.raises(RequestError) as caught:
        parse(raw, idempotency_key=key)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("rating", True),
        ("rating", False),
        ("score", 0),
        ("score", -1.5),
        ("comment", "too long"),
        ("correction", "Canberra"),
        ("correction", {"role": "assistant", "content": "Canberra", "refusal": None, "x": 1}),
    ],
)
def test_each_kind_takes_its_value(kind: str, value: object) -> None:
    """A value of the right form comes through unchanged."""
    given_body = parse(_body(kind=kind, value=value)).body
    assert given_body.kind == kind
    assert given_body.value == value


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("rating", 1, "true (thumb up) or false (thumb down), not a number"),
        ("rating", "up", "not a string"),
        ("rating", None, "not null"),
        ("score", True, "a finite number, not a boolean"),
        ("score", "5", "not a string"),
        ("comment", "  ", "an empty text"),
        ("comment", 3, "a text, not a number"),
        ("correction", ["x"], "a text or an assistant message, not a list"),
        ("correction", "", "corrects nothing"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_what_is_allowed(kind: str, value: object, words: str) -> None:
    """The sentence names what was given and what a value of this kind is."""
    error = _refusal(_body(kind=kind, value=value))
    assert words in error.message
    assert error.param == "value"
    assert error.status == 400


@pytest.mark.parametrize(
    "target",
    [
        {"trace_id": _TRACE},
        {"trace_id": _TRACE, "span_id": _SPAN},
        {"request_id": f"{_TRACE}-{_SPAN}"},
        {"response_id": "chatcmpl-1"},
        {"traceparent": f"00-{_TRACE}-{_SPAN}-01"},
        {"session_id": "chat 7"},
    ],
)
def test_any_key_an_app_may_hold_names_the_target(target: dict[str, str]) -> None:
    """Each form of the target is taken as it is."""
    body = parse(json.dumps({"kind": "rating", "value": True, **target}).encode()).body
    assert {name: getattr(body, name) for name in target} == target


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"trace_id": None}, "trace_id", "nothing says what this is about; give exactly one of trace_id"),
        ({"response_id": "a"}, "response_id", "trace_id and response_id are given together"),
        ({"trace_id": "ABC"}, "trace_id", "32 lower-case hex digits"),
        ({"trace_id": "0" * 32}, "trace_id", "32 lower-case hex digits"),
        ({"span_id": "1"}, "span_id", "16 lower-case hex digits"),
        ({"trace_id": None, "session_id": "a", "span_id": _SPAN}, "span_id", "only beside trace_id"),
        ({"trace_id": None, "request_id": _TRACE}, "request_id", "the x-request-id header"),
        ({"trace_id": None, "traceparent": "00-x"}, "traceparent", "a W3C traceparent"),
        ({"trace_id": None, "response_id": "a\nb"}, "response_id", "printable"),
        ({"kind": "thumb"}, "kind", "allowed are rating, score, comment, correction"),
        ({"kind": None}, "kind", "kind is missing"),
        ({"metric": "9lives"}, "metric", "starts with a letter"),
        ({"metric": "a" * 65}, "metric", "up to 64"),
        ({"rater": 7}, "rater", "must be a name of 1 to 256 characters, not a number (7)"),
        ({"rater": "r" * 257}, "rater", "1 to 256 characters; this one has 257"),
        ({"comment": ""}, "comment", "1 to 65536 characters"),
        ({"comments": "x"}, "comments", "did you mean comment?"),
        ({"zzz": 1}, "zzz", "known are kind, value"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_allowed(fields: dict[str, Any], param: str, words: str) -> None:
    """Whoever reads the sentence can mend the body."""
    error = _refusal(_body(**fields))
    assert words in error.message
    assert error.param == param


def test_a_name_of_a_megabyte_is_unknown_like_any_other() -> None:
    """The nearest known name is looked for by the beginning alone: the cost grows with the length."""
    error = _refusal(b'{"kind": "rating", "' + b"kind" * 250_000 + b'": 1}')
    assert (error.code, len(error.param or "")) == ("unknown_field", MAX_NAME_CHARS)


def test_a_missing_value_is_told_from_null() -> None:
    """No value at all has a code of its own."""
    assert _refusal(b'{"kind":"score","trace_id":"%b"}' % _TRACE.encode()).code == "missing_field"


def test_optional_fields_that_are_null_are_absent() -> None:
    """Client libraries send null for what is not set."""
    assert parse(_body(comment=None, rater=None, response_id=None)).body.comment is None


def test_the_key_comes_from_the_header_or_the_body() -> None:
    """Either may carry it; both must agree."""
    assert parse(_body(), idempotency_key="k").idempotency_key == "k"
    assert parse(_body(id="k")).idempotency_key == "k"
    assert parse(_body(id="k"), idempotency_key="k").idempotency_key == "k"
    assert parse(_body()).idempotency_key is None
    assert "differ" in _refusal(_body(id="other"), "k").message


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "k" * 257])
def test_a_key_that_is_no_visible_ascii_is_refused(key: str) -> None:
    """The header's bounds are said."""
    assert "1 to 256 visible ASCII" in _refusal(_body(), key).message


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_accepted_or_refused_with_a_sentence(value: object) -> None:
    """Nothing raises anything else."""
    for raw in (json.dumps(value).encode(), _body(value=value), _body(kind="correction", value=value)):
        with contextlib.suppress(RequestError):
            assert parse(raw).body.kind in KINDS


@given(st.binary())
def test_any_bytes_are_refused_with_a_sentence(raw: bytes) -> None:
    """Nothing raises anything else."""
    assert _refusal(raw).code in {"invalid_json", "missing_field", "unknown_field"}
