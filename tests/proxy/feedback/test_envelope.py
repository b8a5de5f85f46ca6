"""One feedback or several in a body, and what stands around them."""

import json
from typing import Any

import pytest

from backtalk.errors import RequestError
from backtalk.feedback.envelope import item, open_envelope

RATING = {"kind": "rating", "value": True, "trace_id": "1" * 32}


def opened(**fields: Any) -> Any:
    """An envelope that holds at most three."""
    return open_envelope(json.dumps(fields).encode(), max_items=3)


def test_one_feedback_stands_alone() -> None:
    """Its own fields reach it, the envelope's do not."""
    assert opened(**RATING) == ([RATING], False, None, False)
    assert opened(**RATING, token="btf_x", dryrun=True) == ([RATING], False, "btf_x", True)  # noqa: S106 -- not one


def test_several_stand_in_items_each_as_it_is() -> None:
    """Also those that are nonsense: each is refused by itself later."""
    assert opened(items=[RATING, 4]) == ([RATING, 4], True, None, False)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"items": []}, "items"),
        ({"items": [RATING] * 4}, "items"),
        ({"items": RATING}, "items"),
        ({"items": None}, "items"),
        ({"items": [RATING], "kind": "rating"}, "kind"),
        ({"token": 4}, "token"),
        ({"dryrun": "yes"}, "dryrun"),
    ],
)
def test_what_is_no_envelope_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    """Too few, too many, something beside them, another type."""
    with pytest.raises(RequestError) as error:
        opened(**fields)
    assert (error.value.status, error.value.param) == (400, param)


def test_an_item_is_an_object() -> None:
    """Anything else says what it is."""
    assert item(RATING) == RATING
    with pytest.raises(RequestError, match="not a number"):
        item(4)
