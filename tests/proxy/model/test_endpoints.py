"""Which paths are calls, and of what."""

import pytest

from backtalk.model.chat import Api
from backtalk.model.endpoints import api_of, endpoint_of, is_call, is_reserved


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/chat/completions", True),
        ("/v1/x", True),
        ("/v1/messages", True),
        ("/openai/deployments/d/chat/completions", True),
        ("/openai/v1/responses", True),
        ("/api/chat", True),
        ("/api/tags", True),
        ("/api/delete", False),
        ("/api/users", False),
        ("/v1", False),
        ("/v1/feedback", False),
        ("/v1/feedback/x", False),
        ("/v1/feedbacks", False),
        ("/feedback.js", False),
        ("/healthz", False),
    ],
)
def test_calls_are_what_goes_to_the_model(path: str, expected: bool) -> None:
    """OpenAI's, Azure's and Ollama's paths, but none that is reserved."""
    assert is_call(path) is expected
    assert not (is_call(path) and is_reserved(path))


def test_reserved_paths_are_the_feedback_doors() -> None:
    """And no others."""
    paths = ("/v1/feedback", "/v1/feedback/x", "/feedback.js", "/v1/chat", "/openai/v1/feedback")
    assert [path for path in paths if not is_reserved(path)] == ["/v1/chat", "/openai/v1/feedback"]


@pytest.mark.parametrize(
    ("path", "api", "route"),
    [
        ("/v1/chat/completions", "chat", "/v1/chat/completions"),
        ("/v1/chat/completions/", "chat", "/v1/chat/completions"),
        ("/v1/engines/x/completions", "completions", "/v1/{path}"),
        ("/v1/v1/chat/completions", "chat", "/v1/{path}"),
        ("/v1/chat/completions/chatcmpl-1", "other", "/v1/{path}"),
        ("/v1/responses", "responses", "/v1/responses"),
        ("/v1/responses/resp_1", "stored_responses", "/v1/responses/{path}"),
        ("/v1/responses/resp_1/input_items", "stored_responses", "/v1/responses/{path}"),
        ("/v1/messages", "messages", "/v1/messages"),
        ("/v1/messages/count_tokens", "count_tokens", "/v1/messages/count_tokens"),
        ("/v1/threads/thread_1/messages", "other", "/v1/{path}"),
        ("/v1/models/m", "models", "/v1/models/{path}"),
        ("/v1/audio/speech", "speech", "/v1/audio/speech"),
        ("/v1/images/edits", "images", "/v1/images/edits"),
        ("/v1/files/file-1/content", "files", "/v1/files/{path}"),
        ("/v1/vector_stores/vs_1/search", "vector_search", "/v1/vector_stores/{id}/search"),
        ("/v1/vector_stores/vs_1/files", "vector_stores", "/v1/vector_stores/{path}"),
        ("/v1/fine_tuning/jobs", "fine_tuning", "/v1/fine_tuning/{path}"),
        ("/v1/realtime", "realtime", "/v1/realtime"),
        ("/v1/brand_new/x", "other", "/v1/{path}"),
        ("/openai/deployments/x/chat/completions", "chat", "/openai/deployments/{deployment}/chat/completions"),
        ("/openai/deployments/x/audio/speech", "speech", "/openai/deployments/{deployment}/audio/speech"),
        ("/openai/v1/embeddings", "embeddings", "/openai/v1/embeddings"),
        ("/openai/files/file-1", "files", "/openai/files/{path}"),
        ("/openai/deployments", "other", "/openai/{path}"),
        ("/api/chat", "ollama_chat", "/api/chat"),
        ("/api/tags", "models", "/api/tags"),
        ("", "other", "/v1/{path}"),
    ],
)
def test_a_path_says_which_api_and_which_route(path: str, api: Api, route: str) -> None:
    """An id in a path is never part of a route."""
    assert endpoint_of(path) == (api, route)
    assert api_of(path) == api
