"""JSON that stands in a text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.datasets.formats.embedded import LEVELS, decoded
from backtalk.datasets.formats.unfit import UnfitError


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_is_its_value(value: object) -> None:
    """Whatever it holds."""
    assert decoded(json.dumps(value), "bad") == value


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "1e999", '"\\ud800"', "[" * 100_000, "[" * (LEVELS + 1) + "]" * (LEVELS + 1)]
)
def test_what_could_not_be_written_again_is_unfit(text: str) -> None:
    """With the reason that the caller gives."""
    with pytest.raises(UnfitError, match="bad"):
        decoded(text, "bad")


def test_as_deep_as_a_schema_is_fine() -> None:
    """The limit is stated."""
    assert decoded("[" * LEVELS + "]" * LEVELS, "bad")
