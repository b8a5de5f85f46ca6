"""Keys of calls by their form."""

import pytest

from backtalk.model.call_names import target_field


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("a" * 32, "trace_id"),
        (f"{'a' * 32}-{'b' * 16}", "request_id"),
        (f"00-{'a' * 32}-{'b' * 16}-01", "traceparent"),
        ("chatcmpl-9x", "response_id"),
    ],
)
def test_the_form_tells_the_field(text: str, field: str) -> None:
    """Whatever has none of Backtalk's forms is a provider's id."""
    assert target_field(text) == {field: text}
