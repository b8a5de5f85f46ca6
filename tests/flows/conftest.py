"""One scripted provider and one real `backtalk serve` for all flows of a test process."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from backtalk.testing.provider import Provider, running_provider
from backtalk.testing.serve import Backtalk, running_backtalk


@pytest.fixture(scope="session")
def upstream() -> Iterator[Provider]:
    """The scripted provider behind the running Backtalk."""
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="session")
def backtalk(upstream: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backtalk]:
    """A real `backtalk serve`, shared by the flows: each uses texts of its own."""
    data_dir: Path = tmp_path_factory.mktemp("serve") / "data"
    with running_backtalk(upstream.url, data_dir) as running:
        yield running


@pytest.fixture
def client(backtalk: Backtalk) -> Iterator[openai.OpenAI]:
    """The official client, pointed at Backtalk and otherwise as it comes, without retries."""
    with openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-flow", max_retries=0, timeout=20) as made:
        yield made
