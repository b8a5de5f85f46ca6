"""The model provider behind a call, as the conventions name it. Pure: an upstream's address in, its parts out."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from backtalk.model.facts import CallClosed

_BY_HOST: Final = (
    (".openai.azure.com", "azure.ai.openai"),
    (".services.ai.azure.com", "azure.ai.inference"),
    ("openai.com", "openai"),
    ("anthropic.com", "anthropic"),
    ("groq.com", "groq"),
    ("mistral.ai", "mistral_ai"),
    ("deepseek.com", "deepseek"),
    ("api.x.ai", "x_ai"),
    ("perplexity.ai", "perplexity"),
    ("cohere.com", "cohere"),
    ("cohere.ai", "cohere"),
    ("moonshot.ai", "moonshot_ai"),
    ("moonshot.cn", "moonshot_ai"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    (".amazonaws.com", "aws.bedrock"),
    (".ml.cloud.ibm.com", "ibm.watsonx.ai"),
)
_PORTS: Final = {"http": 80, "https": 443}


_BY_LITELLM: Final[Mapping[str, str]] = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""Litellm's names of providers that the conventions name otherwise."""
_TO_LITELLM: Final[Mapping[str, str]] = {
    ours: theirs for theirs, ours in _BY_LITELLM.items() if theirs != "cohere_chat"
}
_WORD_LIMIT: Final = 64


class Upstream(NamedTuple):
    """Where a call was answered; `provider` is `openai`, the dialect spoken, where the host tells no better."""

    provider: str
    address: str | None
    port: int | None


@lru_cache(maxsize=256)
def upstream_of(url: str) -> Upstream:
    """Read an upstream's URL, or its `host:port`; never raises."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return Upstream("openai", None, None)
    return Upstream(_by_host(host) or "openai", host, port if host else None)


def priced_as(call: CallClosed) -> tuple[str, str] | None:
    """The provider, as litellm names it, and the model by which a call is priced; None where its price is not known.

    An address that is no known provider's may serve any model under any name, so no price of such a call is known.
    """
    last = call.attempts[-1] if call.attempts else None
    asked = (last.model if last else None) or call.opened.request.model or ""
    if last is not None and last.lane == "litellm":
        provider, slash, model = asked.partition("/")
        return (provider, model) if slash else None
    named = _by_host(upstream_of(call.upstream).address)
    return None if named is None else (_TO_LITELLM.get(named, named), asked)


def provider_of(call: CallClosed) -> str:
    """Who answered: on the litellm lane the model's name begins with the provider, else the address tells."""
    last = call.attempts[-1] if call.attempts else None
    if last is None or last.lane != "litellm":
        return upstream_of(call.upstream).provider
    name, slash, _ = (last.model or call.opened.request.model or "").partition("/")
    return _BY_LITELLM.get(name, name[:_WORD_LIMIT]) if slash else "_OTHER"


def base_url(url: str) -> str:
    """The upstream's URL without user, password, query and fragment; empty where it is no URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not parts.netloc:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


@lru_cache(maxsize=256)
def _by_host(host: str | None) -> str | None:
    return next((name for suffix, name in _BY_HOST if host is not None and _belongs(host, suffix)), None)


def _belongs(host: str, suffix: str) -> bool:
    return host == suffix or host.endswith(suffix if suffix.startswith(".") else f".{suffix}")
