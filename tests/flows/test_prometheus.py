"""A real Prometheus scrapes Backtalk by our file: every panel of the dashboard has data, and it accepts every rule."""

import contextlib
import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import openai
import pytest

from backtalk.testing.provider import running_provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.sockets import free_port
from backtalk.testing.waiting import wait_until

ROOT: Final = Path(__file__).parents[2]
GRAFANA: Final = ROOT / "deploy" / "grafana"
SCRAPED: Final = ROOT / "deploy" / "otel" / "prometheus.yml"
QUICKLY: Final = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
"""

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(300)]


class Prometheus:
    """One running Prometheus."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ready(self) -> bool:
        """Whether it serves queries."""
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self._url}/-/ready", timeout=2) as answer:  # noqa: S310 -- our own server
            return bool(answer.status == 200)
        return False

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer of the API."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{query}", timeout=10) as answer:  # noqa: S310 -- our own server
            return json.load(answer)["data"]

    def values(self, expression: str) -> list[float]:
        """The values of an instant query, those that are numbers."""
        found = [float(series["value"][1]) for series in self.ask("query", query=expression)["result"]]
        return [value for value in found if value == value]  # noqa: PLR0124 -- NaN alone differs from itself


def test_every_panel_has_data_and_every_rule_is_accepted(tmp_path: Path) -> None:
    """After some traffic no expression of the dashboard is empty, and no alert of a healthy installation fires."""
    with (
        running_provider() as upstream,
        running_backtalk(upstream.url, tmp_path / "data", workers=2) as backtalk,
        _prometheus(tmp_path / "prometheus", backtalk) as prometheus,
        openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-watched", max_retries=0) as client,
    ):
        traces = [_ask(client, number) for number in range(3)]
        backtalk.wait_for_trace(traces[-1])
        _thumb_down(backtalk, traces[0])
        # A rate needs a value before the growth and one behind it, each in a scrape of its own.
        wait_until(lambda: _talk(client, prometheus) == [], 120.0, what="data in every panel")
        (group,) = prometheus.ask("rules")["groups"]
    assert {rule["name"]: rule["lastError"] for rule in group["rules"] if rule.get("lastError")} == {}
    assert [rule["name"] for rule in group["rules"] if rule["state"] == "firing"] == []


def _talk(client: openai.OpenAI, prometheus: Prometheus) -> list[str]:
    """Make a call; the expressions that still have no data."""
    _ask(client, 0)
    expressions = [
        target["expr"].replace("$__rate_interval", "1m")
        for panel in json.loads((GRAFANA / "backtalk.json").read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", ())
    ]
    assert len(expressions) > 60
    return [expression for expression in expressions if not prometheus.values(expression)]


def _ask(client: openai.OpenAI, number: int) -> str:
    messages: Any = [{"role": "user", "content": f"Question {number}: which river flows through Bern?"}]
    with client.chat.completions.create(model="scripted", messages=messages, stream=True) as chunks:
        for _ in chunks:
            pass
        return chunks.response.headers["x-trace-id"]


def _thumb_down(backtalk: Backtalk, trace_id: str) -> None:
    body = {"kind": "rating", "value": False, "trace_id": trace_id}
    request = urllib.request.Request(  # noqa: S310 -- our own listener
        f"{backtalk.url}/v1/feedback", json.dumps(body).encode(), {"authorization": "Bearer sk-watched"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- our own listener
        assert answer.status == 202


@contextlib.contextmanager
def _prometheus(directory: Path, backtalk: Backtalk) -> Generator[Prometheus]:
    """A Prometheus of its own that scrapes this Backtalk, gone behind the block."""
    program, checker = shutil.which("prometheus"), shutil.which("promtool")
    if program is None or checker is None:
        pytest.fail("Prometheus is not installed; Debian has it: apt-get install prometheus")
    directory.mkdir()
    token_file = directory / "token"
    token_file.write_text(backtalk.admin_token, encoding="ascii")
    config = directory / "prometheus.yml"
    config.write_text(_ours(token_file, backtalk.admin_url.removeprefix("http://")), encoding="utf-8")
    checked = subprocess.run([checker, "check", "config", config], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    listen = f"127.0.0.1:{free_port()}"
    command = [program, f"--config.file={config}", f"--storage.tsdb.path={directory / 'data'}"]
    with (
        (directory / "log").open("wb") as log,
        subprocess.Popen([*command, f"--web.listen-address={listen}"], stdout=log, stderr=log) as server,
    ):
        try:
            prometheus = Prometheus(f"http://{listen}")
            wait_until(prometheus.ready, 60.0, what="the readiness of Prometheus")
            yield prometheus
        finally:
            server.kill()


def _ours(token_file: Path, target: str) -> str:
    """Our own file, word for word but for the places, with our rules, and quicker."""
    text = SCRAPED.read_text(encoding="utf-8")
    for here, there in (("/run/secrets/backtalk_admin_token", str(token_file)), ("backtalk:8081", target)):
        assert text.count(here) == 1
        text = text.replace(here, there)
    return text + QUICKLY.format(rules=GRAFANA / "alerts.yml")
