"""What is looked at again while Backtalk runs: a model judges a turn, and a replay takes a signal back."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai

from backtalk.settings import plain_environ
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.provider import running_provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until

_JUDGE = """
ledger.commit_s = 0.2
[annotate]
annotators = ["judge"]
turn_share = 1.0
[plugin.judge]
url = "{url}"
model = "small-judge"
api_key_env = "JUDGE_KEY"
"""


def _complain(backtalk: Backtalk) -> str:
    """Two turns, the second a complaint; returns the trace that it is about."""
    client = openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-app", max_retries=0)
    asked: list[Any] = [{"role": "user", "content": "Which river flows through the old town of Prague?"}]
    first = client.chat.completions.with_raw_response.create(model="scripted", messages=asked)
    answer = first.parse().choices[0].message.content
    asked += [{"role": "assistant", "content": answer}, {"role": "user", "content": "No, that's wrong."}]
    client.chat.completions.create(model="scripted", messages=asked)
    return first.headers["x-trace-id"]


def _detectors(found: dict[str, Any]) -> set[str]:
    return {signal["detector"] for call in found["calls"] for signal in call["signals"]}


def test_a_model_judges_and_a_replay_takes_back(tmp_path: Path) -> None:
    """The judge's verdict stands beside the words' signal; a stricter replay withdraws the words' alone."""
    with running_provider() as provider, running_provider(Behaviour(text='{"verdict": "correction"}')) as judge:
        config = tmp_path / "backtalk.toml"
        config.write_text(_JUDGE.format(url=judge.url), encoding="utf-8")
        environ = {"BACKTALK_CONFIG": str(config), "JUDGE_KEY": "sk-judge"}
        with running_backtalk(provider.url, tmp_path / "data", environ=environ) as backtalk:
            trace_id = _complain(backtalk)
            judged = backtalk.wait_for_trace(trace_id, lambda found: _detectors(found) == {"follow_up", "judge"})
            [verdict] = [each for each in judged["calls"][0]["signals"] if each["detector"] == "judge"]
            assert (verdict["kind"], verdict["provenance"]) == ("correction", "llm")
            assert dict(judge.exchanges[0].headers)["authorization"] == "Bearer sk-judge"
            backtalk.wait_for_trace(trace_id, lambda found: all(each["committed"] for each in _signals(found)))
            said = _replay(tmp_path, "[plugin.follow_up]\nat_least = 0.999\n")
            assert "replay 1: 1 rows were handed to the worker" in said
            backtalk.wait_for_trace(trace_id, lambda found: _detectors(found) == {"judge"})
            wait_until(lambda: "nothing differs" in _again(tmp_path), 20, what="the replay in the ledger")
            [line] = (tmp_path / "found.jsonl").read_text().splitlines()
            assert json.loads(line)["detector"] == "judge"
            assert len(judge.exchanges) == 1


def _signals(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [signal for call in found["calls"] for signal in call["signals"]]


def _replay(tmp_path: Path, config: str) -> str:
    (tmp_path / "stricter.toml").write_text(config, encoding="utf-8")
    return _again(tmp_path)


def _again(tmp_path: Path) -> str:
    arguments = ["--config", str(tmp_path / "stricter.toml"), "--data-dir", str(tmp_path / "data"), "--write"]
    arguments += ["--out", str(tmp_path / "found.jsonl"), "--detectors", "follow_up,judge"]
    command = [sys.executable, "-m", "backtalk", "replay", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=plain_environ(), check=False, timeout=50).stdout
