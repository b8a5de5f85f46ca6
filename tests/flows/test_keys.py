"""Virtual keys from the command line to the trace: made, used, counted, revoked, in a whole running Backtalk."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from backtalk.testing.provider import running_provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until

pytestmark = pytest.mark.timeout(120)


def keys(data_dir: Path, *arguments: str) -> str:
    """Run `backtalk keys`."""
    command = [sys.executable, "-m", "backtalk", "keys", *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


CHAT = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}]}


def ask(
    backtalk: Backtalk, credential: str, path: str = "/v1/chat/completions", asked: object = CHAT
) -> tuple[int, dict[str, str]]:
    """One request; gives the status and the header fields."""
    body = json.dumps(asked).encode()
    headers = {"authorization": f"Bearer {credential}", "content-type": "application/json"}
    request = urllib.request.Request(f"{backtalk.url}{path}", body, headers)  # noqa: S310 -- our own listener
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- our own listener
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def test_a_key_is_used_counted_and_revoked_while_everything_runs(tmp_path: Path) -> None:
    """The call names the key; the tokens of an ended call close the minute for the next; a revoked key is refused."""
    data_dir = tmp_path / "data"
    with (
        running_provider() as provider,
        running_backtalk(provider.url, data_dir, upstream_api_key="sk-ours") as running,
    ):
        free = keys(data_dir, "create", "free", "--tenant", "team")
        wait_until(lambda: ask(running, "sk-other")[0] == 401, 10, what="the proxy's knowledge of keys")
        status, headers = ask(running, free)
        assert status == 200
        (listed,) = json.loads(keys(data_dir, "list", "--json"))
        trace = running.wait_for_trace(headers["x-trace-id"], lambda document: document["calls"])
        call: dict[str, Any] = trace["calls"][0]
        assert call["key_id"] == listed["id"]
        assert provider.exchanges[-1].header("authorization") == "Bearer sk-ours"

        bound = keys(data_dir, "create", "bound", "--tokens-per-minute", "1")
        wait_until(lambda: ask(running, bound)[0] == 429, 20, what="the end of the tokens")

        said = {"kind": "rating", "value": True, "trace_id": headers["x-trace-id"]}
        assert ask(running, free, "/v1/feedback", said)[0] == 202
        keys(data_dir, "revoke", "free")
        wait_until(lambda: ask(running, free)[0] == 401, 10, what="the refusal of a revoked key")
        assert ask(running, free, "/v1/feedback", said)[0] == 401
