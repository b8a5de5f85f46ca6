"""Providers behind upstream addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.export.upstreams import Upstream, base_url, provider_of, upstream_of
from backtalk.model.frames import Attempt
from backtalk.testing.facts import START_NS, closed_call


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.openai.com/v1", Upstream("openai", "api.openai.com", 443)),
        ("https://x.openai.azure.com/openai", Upstream("azure.ai.openai", "x.openai.azure.com", 443)),
        ("https://api.groq.com/openai/v1", Upstream("groq", "api.groq.com", 443)),
        ("https://b.eu-west-1.amazonaws.com", Upstream("aws.bedrock", "b.eu-west-1.amazonaws.com", 443)),
        ("http://127.0.0.1:8000/v1", Upstream("openai", "127.0.0.1", 8000)),
        ("http://[::1]:8000/v1", Upstream("openai", "::1", 8000)),
        ("vllm:8000", Upstream("openai", "vllm", 8000)),
        ("https://notopenai.com", Upstream("openai", "notopenai.com", 443)),
        ("https://notgroq.com", Upstream("openai", "notgroq.com", 443)),
        ("", Upstream("openai", None, None)),
        ("http://host:port/", Upstream("openai", None, None)),
    ],
)  # fmt: skip
def test_provider_address_and_port(url: str, expected: Upstream) -> None:
    """Known hosts have the conventions' name; another host speaks OpenAI's dialect."""
    assert upstream_of(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://me:secret@h:1/v1/?key=secret#x", "https://h:1/v1"),
        ("http://h", "http://h"),
        ("h:1", ""),
        ("http://[", ""),
    ],
)
def test_base_url_holds_no_credentials(url: str, expected: str) -> None:
    """A password in the upstream's URL reaches no span."""
    assert base_url(url) == expected


@given(st.text())
def test_any_text_is_survived(url: str) -> None:
    """An odd setting costs the address, never the span."""
    assert upstream_of(url).provider


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("anthropic/claude", "anthropic"),
        ("bedrock/anthropic.claude", "aws.bedrock"),
        ("gemini/x", "gcp.gemini"),
        ("x", "_OTHER"),
    ],
)
def test_litellm_names_the_provider_in_the_model(model: str, provider: str) -> None:
    """The conventions' name where they have one; a model without its provider is nobody's."""
    attempt = Attempt("a" * 16, "t", "litellm", START_NS, 1, "", model, 200)
    assert provider_of(closed_call(route="r", attempts=(attempt,))) == provider


def test_on_the_raw_lane_the_address_tells() -> None:
    """A model's name says nothing there."""
    attempt = Attempt("a" * 16, "t", "raw", START_NS, 1, "api.groq.com:443", "openai/gpt-oss", 200)
    assert provider_of(closed_call(route="r", attempts=(attempt,), upstream="api.groq.com:443")) == "groq"
