"""Request parameters as attributes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.export.parameters import of_request

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["temperature", "top_p", "max_tokens", "seed", "stop", "response_format", "reasoning", "text", "top_k", "x"]
)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"temperature": 0}, {"gen_ai.request.temperature": 0.0}),
        ({"temperature": "hot"}, {}),
        ({"temperature": True}, {}),
        ({"max_completion_tokens": 5}, {"gen_ai.request.max_tokens": 5}),
        ({"max_tokens": 5.5}, {}),
        ({"seed": 1 << 80}, {}),
        ({"stop": "END"}, {"gen_ai.request.stop_sequences": ("END",)}),
        ({"stop": ["a", 1, "b"]}, {"gen_ai.request.stop_sequences": ("a", "b")}),
        ({"response_format": {"type": "json_schema"}}, {"gen_ai.output.type": "json"}),
        ({"text": {"format": {"type": "text"}}}, {"gen_ai.output.type": "text"}),
        ({"reasoning": {"effort": "low"}}, {"gen_ai.request.reasoning.level": "low"}),
        ({"reasoning_effort": "high"}, {"gen_ai.request.reasoning.level": "high"}),
        ({"previous_response_id": "resp_1"}, {"gen_ai.request.previous_response.id": "resp_1"}),
        ({"stop_sequences": ["END"]}, {"gen_ai.request.stop_sequences": ("END",)}),
        ({"encoding_format": "base64"}, {"gen_ai.request.encoding_formats": ("base64",)}),
        ({"service_tier": "flex"}, {"openai.request.service_tier": "flex"}),
        ({"service_tier": "auto"}, {}),
        ({"top_k": 3}, {"gen_ai.request.top_k": 3.0}),
        ({"logit_bias": {"1": 2}}, {}),
    ],
)
def test_known_parameters_have_their_name_and_type(params: dict[str, Any], expected: dict[str, Any]) -> None:
    """What has a wrong type is left out rather than sent."""
    assert of_request(json.dumps(params)) == expected


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json", "null"])
def test_what_is_no_object_says_nothing(text: str) -> None:
    """Parameters that cannot be read are none."""
    assert of_request(text) == {}


@given(st.dictionaries(FIELDS, JSON, max_size=5))
def test_any_json_gives_attributes_that_can_be_sent(params: dict[str, Any]) -> None:
    """Whatever a client sends, every value is one that OTLP carries."""
    for value in of_request(json.dumps(params)).values():
        assert isinstance(value, str | bool | int | float | tuple)


def test_latest_names_are_its_own() -> None:
    """What the older generation has no name for, and a search's limit."""
    params = json.dumps({"reasoning": {"effort": "low"}, "previous_response_id": "r", "top_k": 3, "max_num_results": 7})
    assert of_request(params, "latest") == {
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.request.previous_response.id": "r",
        "gen_ai.request.top_k": 3,
    }
    assert of_request(params, "latest", retrieval=True)["gen_ai.retrieval.top_k"] == 7
