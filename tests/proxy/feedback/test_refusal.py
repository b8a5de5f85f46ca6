"""Sentences about what a model refuses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backtalk.errors import RequestError
from backtalk.feedback.kinds import KINDS
from backtalk.feedback.refusal import MAX_PARAM_CHARS, nearest, refusal, unknown_kind, wrong

_LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=5)
_VALUES = st.recursive(_LEAVES, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=3), x, max_size=3))
_NAMES = sorted({name for model in KINDS.values() for name in model.model_fields} | {"start", "end", "zzz"})
_NESTED = _VALUES | st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=4)


@given(
    st.sampled_from(sorted(KINDS)),
    st.dictionaries(st.sampled_from(_NAMES), _NESTED | st.lists(st.lists(_NESTED)), max_size=6),
)
def test_whatever_is_wrong_has_a_short_sentence_that_names_a_field(kind: str, fields: dict[str, Any]) -> None:
    """No refusal is pydantic's own, none is long, and none names nothing."""
    try:
        KINDS[kind].model_validate(fields | {"kind": kind})
    except ValidationError as error:
        said = refusal(error, KINDS[kind], kind)
    except RequestError as error:  # a correction speaks for itself
        said = error
    else:
        return
    assert said.param
    assert len(said.message) < 700
    assert "Input should" not in said.message
    assert "of another form" not in said.message


def test_an_unknown_field_is_said_before_a_missing_one() -> None:
    """A value that is missing was most likely sent under another name."""
    with pytest.raises(ValidationError) as caught:
        KINDS["rating"].model_validate({"kind": "rating", "valeu": True, "trace_id": "a" * 32})
    assert refusal(caught.value, KINDS["rating"], "rating").message == 'unknown field "valeu" (did you mean value?)'


def test_a_kind_is_missing_or_not_known() -> None:
    """Both say which there are; one says which was nearly meant."""
    assert unknown_kind(None, KINDS).code == "missing_field"
    assert "(did you mean ranking?); allowed are rating, score" in unknown_kind("rankin", KINDS).message
    assert "allowed are" in unknown_kind(["rating"], KINDS).message


def test_a_param_is_bounded_and_a_near_name_is_found_by_its_beginning() -> None:
    """The cost of a refusal does not grow with what is refused."""
    assert len(wrong("x" * 10_000, "no").param or "") == MAX_PARAM_CHARS
    assert nearest("commant" + "x" * 20, ["comment"]) == ""
    assert nearest("commant", ["comment"]) == " (did you mean comment?)"
