"""What calls cost, by the real table of the installed package."""

import subprocess
import sys
from typing import Any

import pytest

from backtalk.model.chat import Request, Response, Usage
from backtalk.model.facts import CallClosed
from backtalk.model.frames import Attempt
from backtalk.testing.facts import START_NS, closed_call, opened_call
from backtalk.worker.prices import Price, Prices

TABLE = Prices(
    {
        "m": Price(
            "openai",
            {
                "input_cost_per_token": 1e-6,
                "output_cost_per_token": 1e-5,
                "cache_read_input_token_cost": 1e-7,
                "cache_creation_input_token_cost": 2e-6,
                "input_cost_per_token_flex": 5e-7,
                "output_cost_per_token_flex": 5e-6,
                "input_cost_per_token_above_200k_tokens": 3e-6,
            },
            (200_000,),
        ),
        "embed": Price("openai", {"input_cost_per_token": 1e-6}),
        "groq/m": Price("groq", {"input_cost_per_token": 7e-6, "output_cost_per_token": 0.0}),
        "asks-only": Price("openai", {"input_cost_per_token": 1e-6}),
    }
)


@pytest.fixture(scope="module")
def bundled() -> Prices:
    """The table of the installed package."""
    return Prices.bundled()


def call(
    model: str = "m",
    *,
    upstream: str = "api.openai.com:443",
    served: str | None = None,
    params: str = "{}",
    status: int = 200,
    attempt: Attempt | None = None,
    **usage: Any,
) -> CallClosed:
    """A call with this usage."""
    counts = Usage(**usage) if usage else None
    return closed_call(
        opened=opened_call(request=Request(model=model, params_json=params)),
        response=Response(model=served, usage=counts),
        upstream=upstream,
        status=status,
        attempts=(attempt,) if attempt else (),
    )


@pytest.mark.parametrize(
    ("usage", "cost_usd"),
    [
        ({"input_tokens": 1000, "output_tokens": 100}, 0.002),
        ({"input_tokens": 1000, "output_tokens": 0}, 0.001),
        ({"input_tokens": 1000, "output_tokens": 0, "cached_tokens": 400}, 0.00064),
        ({"input_tokens": 1000, "output_tokens": 0, "cached_tokens": 400, "cache_write_tokens": 100}, 0.00074),
        ({"input_tokens": 300_000, "output_tokens": 0}, 0.9),
        ({"input_tokens": 0, "output_tokens": 0}, 0.0),
    ],
)
def test_tokens_cost_what_the_table_says(usage: dict[str, Any], cost_usd: float) -> None:
    """Cached and large inputs have rates of their own; what is counted once is paid once."""
    assert TABLE.cost_usd(call(**usage)) == pytest.approx(cost_usd)


def test_a_service_tier_has_its_own_rates() -> None:
    """Flex is cheaper; a tier without a price is not known."""
    used: dict[str, Any] = {"input_tokens": 1000, "output_tokens": 100}
    assert TABLE.cost_usd(call(params='{"service_tier":"flex"}', **used)) == pytest.approx(0.001)
    assert TABLE.cost_usd(call(params='{"service_tier":"priority"}', **used)) is None
    assert TABLE.cost_usd(call(params='{"service_tier":"auto"}', **used)) == pytest.approx(0.002)


@pytest.mark.parametrize(
    "unknown",
    [
        call("other", input_tokens=1),
        call("asks-only", input_tokens=1, output_tokens=1),
        call(upstream="127.0.0.1:8000", input_tokens=1),
        call(),
        call(status=429, input_tokens=1),
        call(upstream="api.groq.com:443", input_tokens=1, model="embed"),
    ],
)
def test_what_is_not_known_is_unknown_and_never_nought(unknown: CallClosed) -> None:
    """No such model, half a price, an address that serves anything, no usage, no answer, another provider's model."""
    assert TABLE.cost_usd(unknown) is None


def test_the_provider_and_the_served_model_say_which_price() -> None:
    """The same name costs what its provider takes; the model that answered goes before the one that was asked."""
    assert TABLE.cost_usd(call(upstream="api.groq.com:443", input_tokens=1000)) == pytest.approx(0.007)
    assert TABLE.cost_usd(call("alias", served="m", input_tokens=1000)) == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("model", "cost_usd"),
    [
        ("anthropic/claude-sonnet-4-5", 0.018),
        ("bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0", 0.018),
        ("gemini/gemini-2.5-pro", 0.01125),
        ("azure/gpt-4o", 0.0125),
        ("openai/gpt-4o", 0.0125),
        ("anthropic/nobody-knows", None),
        ("nobody", None),
    ],
)
def test_the_litellm_lanes_calls_are_priced_by_its_names(bundled: Prices, model: str, cost_usd: float | None) -> None:
    """The bundled table has every provider's prices: a thousand tokens each way."""
    attempt = Attempt("a" * 16, "t", "litellm", START_NS, 1, "", model, 200)
    assert bundled.cost_usd(call("claude", attempt=attempt, input_tokens=1000, output_tokens=1000)) == (
        None if cost_usd is None else pytest.approx(cost_usd)
    )


def test_the_table_is_read_without_importing_litellm() -> None:
    """The worker pays some milliseconds and no 200 MB."""
    read = "from backtalk.worker.prices import Prices; n = len(Prices.bundled())"
    program = f"import sys; {read}; print(n > 1000, 'litellm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
