"""JSON from anyone is a value or a reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.observe.lenient_json import (
    MAX_CONTAINERS,
    MAX_DEPTH,
    Parsed,
    canonical,
    is_array,
    is_object,
    parse,
    parse_object,
)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(_JSON)
def test_what_is_json_is_read_as_such(value: Any) -> None:
    """The value, and from it one canonical text whatever the order of keys was."""
    assert parse(json.dumps(value).encode()) == Parsed(value)
    assert json.loads(canonical(value)) == value


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b'"\xff"', "the body is not UTF-8"),
        (b"[" * 100_000, "the body is nested too deeply"),
        (b"NaN", "the body is not JSON: JSON is malformed: invalid character (byte 0)"),
        (b"1e999", "the body is not JSON: Number out of range"),
        (b"9" * 5000, "the body is not JSON: Integer value out of range"),
        (b'{"a":', "the body is not JSON: Input data was truncated"),
    ],
)
def test_what_is_not_json_has_a_reason(body: bytes, why: str) -> None:
    """The reason names the fault and quotes nothing of the body."""
    assert parse(body) == Parsed(None, why)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (rb'"cut \ud83d"', "cut \ufffd"),
        (rb'"\ude00 whole \ud83d\ude00"', "\ufffd whole \U0001f600"),
        (rb'"\\ud83d is no escape \ud83d"', "\\ud83d is no escape \ufffd"),
        (b'{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_what_real_clients_send_is_read(body: bytes, value: object) -> None:
    """A byte order mark, half an emoji and a repeated key do not cost the body."""
    assert parse(body) == Parsed(value)


@given(st.binary())
def test_any_bytes_raise_nothing(body: bytes) -> None:
    """There is a value or a reason, for an object too."""
    for found in (parse(body), parse_object(body), parse(b'"\\ud83d' + body)):
        assert found.value is None or found.problem is None


def test_another_value_is_no_object() -> None:
    """A body is an object; other JSON is a reason."""
    assert parse_object(b"[1]") == Parsed(None, "the body is JSON, but no object")
    assert is_object({})
    assert is_array([])
    assert not is_object([])
    assert not is_array({})


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_value_that_is_too_deep_is_told_from_one_that_is_not(opening: bytes) -> None:
    """What is read here can be read again with less stack left: by the admin process, an exporter, a notebook."""
    closing = b"]" if opening == b"[" else b"}"
    assert parse(opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH).problem is None
    assert (
        parse(opening * (MAX_DEPTH + 1) + b"1" + closing * (MAX_DEPTH + 1)).problem == "the body is nested too deeply"
    )


def test_a_long_flat_value_is_not_deep() -> None:
    """Depth is counted, not brackets."""
    assert len(parse(b"[" + b"[]," * 10 * MAX_DEPTH + b"[]]").value) == 10 * MAX_DEPTH + 1


def test_a_body_of_brackets_alone_is_not_read() -> None:
    """In memory an empty object takes twenty times its text: the count is bounded before anything is made."""
    body = b"[" + b"{}," * MAX_CONTAINERS + b"0]"
    assert parse(body) == Parsed(None, "the body holds more than 300000 objects and arrays")


def test_one_byte_order_mark_is_skipped_and_no_more() -> None:
    """A body of nothing else costs one look."""
    assert (
        parse(b"\xef\xbb\xbf" * 100_000).problem
        == "the body is not JSON: JSON is malformed: invalid character (byte 0)"
    )
