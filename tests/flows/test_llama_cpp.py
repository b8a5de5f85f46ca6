"""llama.cpp's own server behind Backtalk: what it says in each dialect is understood."""

import json
import subprocess
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

from backtalk.demo import model_server
from backtalk.testing.serve import Backtalk, running_backtalk

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = ROOT / ".venvs/model/bin/python"
_ASKED: Final = [{"role": "user", "content": "Say hello in one short sentence."}]


@pytest.fixture(scope="module")
def upstream() -> Generator[str]:
    """The base URL of a running llama.cpp."""
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON.relative_to(ROOT)} is missing: `make .venvs/model/.ready`")
    command = [str(PYTHON), model_server.__file__, str(ROOT / ".demo/model")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = next(line for line in process.stdout if line.startswith("ready "))
        yield ready.split()[1]
        process.kill()


@pytest.fixture(scope="module")
def backtalk(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Backtalk]:
    """Backtalk before it."""
    with running_backtalk(upstream, tmp_path_factory.mktemp("llama") / "data") as running:
        yield running


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "body", "api"),
    [
        ("/v1/chat/completions", {"messages": _ASKED, "max_tokens": 16}, "chat"),
        ("/v1/completions", {"prompt": "Hello, my name is", "max_tokens": 8}, "completions"),
        ("/v1/responses", {"input": _ASKED, "max_output_tokens": 16}, "responses"),
        ("/v1/messages", {"messages": _ASKED, "max_tokens": 16, "system": "Be brief."}, "messages"),
    ],
)
def test_each_dialect_of_a_real_model_is_understood(
    backtalk: Backtalk, path: str, body: dict[str, Any], api: str, stream: bool
) -> None:
    """Text, tokens and the reason to end, streamed and not; nothing is left un-understood."""
    data = json.dumps({"model": "qwen", "stream": stream, **body}).encode()
    request = urllib.request.Request(backtalk.url + path, data, {"content-type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 -- our own listener
        assert answer.read()
        trace_id = answer.headers["x-trace-id"]
    call = backtalk.wait_for_trace(trace_id, _ended)["calls"][0]
    assert (call["api"], call["outcome"], call["stream"]) == (api, "completed", stream)
    assert "not_understood" not in call
    assert call["answers"][0]["text"]
    assert call["output_tokens"] > 0
    assert call["finish_reasons"][0] in ("stop", "length")


def _ended(found: dict[str, Any]) -> bool:
    return bool(found["calls"]) and "outcome" in found["calls"][0]
