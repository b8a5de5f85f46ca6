"""Which call a feedback means."""

from typing import Any

import pytest

from backtalk.ledger.targets import targets

TRACE = "a" * 32
CALLS = [
    {"trace_id": TRACE, "span_id": "1" * 16, "parent_span_id": "9" * 16, "tenant": "t", "response_id": "r-1"},
    {"trace_id": TRACE, "span_id": "2" * 16, "parent_span_id": "9" * 16, "tenant": "t", "response_id": "r-2"},
    {"trace_id": TRACE, "span_id": "3" * 16, "parent_span_id": "8" * 16, "tenant": "u", "response_id": "r-1"},
]


def fits(**key: Any) -> list[str]:
    """The first digits of the span ids that a key fits."""
    return [call["span_id"][0] for call in targets({"tenant": "t"} | key, CALLS)]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ({"trace_id": TRACE}, ["1", "2"]),
        ({"trace_id": TRACE, "span_id": "2" * 16}, ["2"]),
        ({"trace_id": TRACE, "span_id": "3" * 16}, []),
        ({"response_id": "r-1"}, ["1"]),
        ({"trace_id": TRACE, "parent_span_id": "1" * 16}, ["1"]),
        ({"trace_id": TRACE, "parent_span_id": "9" * 16}, ["1", "2"]),
        ({"trace_id": TRACE, "parent_span_id": "7" * 16}, []),
        ({"session_id": "s"}, []),
        ({"trace_id": "b" * 32}, []),
    ],
)
def test_key_fits_the_calls_that_it_names_within_its_tenant(key: dict[str, str], expected: list[str]) -> None:
    """One is a match, several are ambiguous, none is pending; another tenant's call is never among them."""
    assert fits(**key) == expected
