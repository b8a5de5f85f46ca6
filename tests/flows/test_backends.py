"""Real backends: what is said of answers becomes their annotations, and the saved queries of docs/backends.md run."""

import contextlib
import json
import re
import urllib.request
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import openai
import pytest

from backtalk.testing.backends import running_mlflow, running_phoenix
from backtalk.testing.provider import running_provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.sockets import free_port
from backtalk.testing.waiting import wait_until

DOCS: Final = Path(__file__).parents[2] / "docs" / "backends.md"
BEGINNING: Final = [
    {"role": "user", "content": "Which river flows through Bern?"},
    {"role": "assistant", "content": "The scripted provider heard: Which river flows through Bern?"},
]
VERSIONS: Final = ("7", "8", "8")
"""The prompt version of each answer that the user has regenerated."""

pytestmark = pytest.mark.timeout(600)


@pytest.mark.phoenix
def test_phoenix_has_annotations_and_answers_by_prompt_version(tmp_path: Path) -> None:
    """Signals and feedback stand at their spans once, what was taken back is gone, and the saved query counts."""
    http_port = free_port()
    with running_phoenix(tmp_path / "phoenix", http_port, free_port()) as url, _told(tmp_path, url, "phoenix") as spans:
        query = {"query": _saved("graphql"), "variables": {"project": "default", "range": _range()}}
        listing = f"{url}/v1/projects/default/span_annotations?span_ids={spans[0]}&limit=100"

        def versions() -> list[str] | None:
            found = _post(f"{url}/graphql", query)["data"]["getProjectByName"]["spans"]["edges"]
            prompts = [json.loads(edge["node"]["attributes"])["gen_ai"]["prompt"]["version"] for edge in found]
            return prompts if len(prompts) >= len(VERSIONS) else None

        def said() -> list[dict[str, Any]] | None:
            listed = [one for one in _get(listing)["data"] if one["name"] == "user_feedback"]
            return listed if any(one["result"]["label"] == "thumbs_up" for one in listed) else None

        assert Counter(wait_until(versions, 120.0, what="regenerated answers in Phoenix")) == Counter(VERSIONS)
        found = wait_until(said, 60.0, what="feedback in Phoenix")
    assert [(one["annotator_kind"], one["result"]["label"]) for one in found] == [("HUMAN", "thumbs_up")]
    assert "secret" not in str(found)


@pytest.mark.mlflow
def test_mlflow_has_assessments_and_answers_by_prompt_version(tmp_path: Path) -> None:
    """Signals and feedback stand at their traces once, what was taken back is gone, and the saved query counts."""
    with running_mlflow(tmp_path / "mlflow", free_port()) as url, _told(tmp_path, url, "mlflow") as spans:
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
        condition = _saved("sql").replace("$START", "0").replace("$END", "9000000000000")
        body = {"locations": [place], "filter": " ".join(condition.split()), "max_results": 100}

        def told() -> list[dict[str, Any]] | None:
            found: list[dict[str, Any]] = _post(f"{url}/api/3.0/mlflow/traces/search", body).get("traces", [])
            listed = [one for trace in found for one in trace["assessments"]]
            up = any(one["assessment_name"] == "user_feedback" and one["feedback"]["value"] for one in listed)
            return listed if up and len(found) >= len(VERSIONS) else None

        listed = wait_until(told, 120.0, what="regenerated answers and feedback in MLflow")
    again = [one for one in listed if one["assessment_name"] == "regeneration"]
    assert Counter(one["metadata"]["backtalk.target.prompt.version"] for one in again) == Counter(VERSIONS)
    said = [one for one in listed if one["assessment_name"] == "user_feedback"]
    assert [(one["source"]["source_type"], one["feedback"]["value"]) for one in said] == [("HUMAN", True)]
    assert said[0]["span_id"] == spans[0]
    assert "secret" not in str(listed)


@contextlib.contextmanager
def _told(tmp_path: Path, url: str, plugin: str) -> Generator[list[str]]:
    """Three answers were regenerated, and somebody thought again of the first; the span ids of the three."""
    config = tmp_path / "backtalk.toml"
    config.write_text(f'[plugin.{plugin}]\nurl = "{url}"\n', encoding="utf-8")
    environ = {
        "BACKTALK_CONFIG": str(config),
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{url}/v1/traces",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-mlflow-experiment-id=0",
    }
    exporters = f"otlp,{plugin}"
    with (
        running_provider() as upstream,
        running_backtalk(upstream.url, tmp_path / "data", environ=environ, telemetry__exporters=exporters) as backtalk,
        openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-told", max_retries=0) as client,
    ):
        ids = [_regenerated(client, number, version) for number, version in enumerate(VERSIONS)]
        for value in (False, True):
            _feedback(backtalk, ids[0], value=value, comment="secret")
        yield [request_id.partition("-")[2] for request_id in ids]


def _regenerated(client: openai.OpenAI, number: int, version: str) -> str:
    """A turn, the next one, and that again with another prompt version; the id of the answer that was passed over."""
    messages: Any = [*BEGINNING, {"role": "user", "content": f"How long is it, in {number} words?"}]
    turns = ((messages[:1], "begin"), (messages, version), (messages, "after"))
    answers = [
        client.chat.completions.with_raw_response.create(
            model="scripted",
            messages=turn,
            extra_headers={"x-prompt-name": "rivers", "x-prompt-version": told, "x-session-id": f"chat-{number}"},
        )
        for turn, told in turns
    ]
    return answers[1].headers["x-request-id"]


def _feedback(backtalk: Backtalk, request_id: str, **said: Any) -> None:
    body = json.dumps({"kind": "rating", "request_id": request_id, "rater": "u1"} | said).encode()
    headers = {"content-type": "application/json", "authorization": "Bearer sk-told"}
    request = urllib.request.Request(f"{backtalk.url}/v1/feedback", body, headers)  # noqa: S310 -- our own listener
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- our own listener
        assert answer.status == 202


def _saved(language: str) -> str:
    """The query of the page in this language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def _range() -> dict[str, str]:
    return {"start": "2020-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"}


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 -- our own server
        return json.load(answer)


def _post(url: str, body: object) -> Any:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 -- our own server
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- our own server
        return json.load(answer)
