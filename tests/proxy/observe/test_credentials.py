"""Keys that an app sends along in a body are not kept."""

import json
from typing import Any

import pytest

from backtalk.model.chat import Api
from backtalk.observe import understand
from backtalk.observe.credentials import REDACTED, kept

_KEY = "ya29.secret-of-the-tool"


@pytest.mark.parametrize(
    ("api", "fields"),
    [
        ("responses", {"input": "x", "tools": [{"type": "mcp", "server_url": "https://x", "authorization": _KEY}]}),
        ("responses", {"input": "x", "tools": [{"type": "mcp", "server_label": "x", "headers": {"X-Any": _KEY}}]}),
        ("messages", {"messages": [], "mcp_servers": [{"type": "url", "url": "x", "authorization_token": _KEY}]}),
        ("chat", {"messages": [], "api_key": _KEY, "extra_body": {"deep": [{"Token": _KEY}]}}),
    ],
)
def test_credentials_of_tools_and_parameters_are_left_out(api: Api, fields: dict[str, Any]) -> None:
    """Wherever each dialect has them; that there was one is kept."""
    asked = understand.request(api, json.dumps(fields).encode(), {})
    assert _KEY not in str(asked)
    assert REDACTED in f"{asked.tools_json}{asked.params_json}"


@pytest.mark.parametrize(
    "value",
    [
        [{"type": "function", "function": {"parameters": {"properties": {"password": {"type": "string"}}}}}],
        {"headers": {"type": "object"}, "required": ["token"]},
        {"max_tokens": 7, "token_count": 1, "secret": 3},
    ],
)
def test_definitions_that_only_speak_of_them_stay(value: Any) -> None:
    """A schema's parameter is no credential, nor is a number."""
    assert json.loads(kept(value)) == value
