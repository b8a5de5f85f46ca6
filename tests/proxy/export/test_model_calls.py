"""The `gen_ai.*` attributes of a model call; `test_spans_conformance.py` holds all of them against the conventions."""

from backtalk.export.model_calls import model_attributes, span_name
from backtalk.model.chat import Request, Response, Usage
from backtalk.testing.facts import closed_call, opened_call


def test_each_generation_has_its_own_name_for_what_they_name_differently() -> None:
    """And both have the latest's for what the older one says nothing of."""
    request = Request(model="m", params_json='{"previous_response_id":"resp_1","reasoning_effort":"low","top_k":3}')
    call = closed_call(opened=opened_call(request=request), response=Response(usage=Usage(1, 1, cache_write_tokens=9)))
    older, latest = model_attributes(call, "v1.41"), model_attributes(call, "latest")
    assert older["gen_ai.usage.cache_creation.input_tokens"] == 9
    assert latest["gen_ai.usage.cache_write.input_tokens"] == 9
    assert set(older) - set(latest) == {"gen_ai.usage.cache_creation.input_tokens"}
    assert set(latest) - set(older) == {"gen_ai.usage.cache_write.input_tokens"}
    assert (older["gen_ai.request.top_k"], latest["gen_ai.request.top_k"]) == (3.0, 3)
    assert type(latest["gen_ai.request.top_k"]) is int


def test_name_of_a_search_has_the_store_and_no_other_id() -> None:
    """A path that is no search has no store."""
    search = opened_call(api="vector_search", path="/v1/vector_stores/vs_9/search", request=Request())
    assert span_name(closed_call(opened=search)) == "retrieval vs_9"
    odd = opened_call(api="vector_search", path="/v1/vector_stores", request=Request())
    assert span_name(closed_call(opened=odd)) == "retrieval"
