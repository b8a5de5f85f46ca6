"""The part of JSON Schema that is checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.json_schema import NOT_JSON, breach, parsed

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "broken"),
    [
        ({"city": "Bern", "days": 2.0, "unit": "C"}, None),
        ({}, ".city is missing"),
        ({"city": 1}, ".city is not of type string"),
        ({"city": "Bern", "unit": "K"}, ".unit is none of the listed values"),
        ({"city": "Bern", "x": 1}, " has a key that is not listed"),
        ([], "value is not of type object"),
    ],
)
def test_the_first_breach_is_named(value: object, broken: str | None) -> None:
    """Where it is and what is wrong, without the value."""
    assert breach(value, PARAMETERS) == broken


def test_what_is_no_json_is_told_from_null() -> None:
    """Null is a value."""
    assert parsed("null") is None
    assert parsed("{") is NOT_JSON


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_and_any_schema_can_be_compared(value: object) -> None:
    """Whatever an app offers and a model writes."""
    assert breach(value, {}) is None
    breach({"city": value}, PARAMETERS)
    breach(value, value)
    breach({"a": value}, {"type": value, "required": [value], "properties": value, "enum": value})
    assert parsed("{" * 100_000) is not None
