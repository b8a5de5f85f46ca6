"""The page on feedback: its examples are sent to a real Backtalk as they stand there, and each counts."""

import json
import re
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import openai
import pytest

from backtalk.feedback.kinds import KINDS
from backtalk.testing.provider import Provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until

PAGE: Final = (Path(__file__).parents[2] / "docs/feedback.md").read_text(encoding="utf-8")
EXAMPLES: Final = re.findall(r'^\{"kind".*\}$', PAGE, re.MULTILINE)
TOML: Final = "\n".join(re.findall(r"^    (\[metrics.*|\w+ = .*)$", PAGE, re.MULTILINE))
KEY: Final = {"authorization": "Bearer sk-page"}


@pytest.fixture(scope="module", name="backtalk")
def with_the_metrics_of_the_page(upstream: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backtalk]:
    """A Backtalk whose settings file is the page's, and whose apps speak as reviewers, so that labels are taken."""
    folder: Path = tmp_path_factory.mktemp("page")
    (folder / "backtalk.toml").write_text(TOML, encoding="utf-8")
    settings: dict[str, Any] = {
        "environ": {"BACKTALK_CONFIG": str(folder / "backtalk.toml")},
        "feedback__source": "reviewer",
    }
    with running_backtalk(upstream.url, folder / "data", **settings) as running:
        yield running


@pytest.fixture(scope="module")
def ids(backtalk: Backtalk) -> dict[str, str]:
    """What stands for the page's ids: two calls, and the first one's session."""
    with openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-page", max_retries=0) as client:
        asked = [
            client.chat.completions.with_raw_response.create(
                model="scripted", messages=[{"role": "user", "content": text}]
            )
            for text in ("What is the capital of Australia?", "And of Austria?")
        ]
    trace_id, other_id = (raw.headers["x-trace-id"] for raw in asked)
    call = backtalk.wait_for_trace(trace_id, lambda found: found["calls"] and found["calls"][0].get("session_id"))
    backtalk.wait_for_trace(other_id, lambda found: found["calls"])
    session_id: str = call["calls"][0]["session_id"]
    request_id = asked[0].headers["x-request-id"]
    return {"TRACE_ID": trace_id, "OTHER_ID": other_id, "REQUEST_ID": request_id, "SESSION_ID": session_id}


def told(backtalk: Backtalk, path: str, body: bytes | None = None) -> tuple[int, Any]:
    """Ask the public listener; its status and document."""
    request = urllib.request.Request(backtalk.url + path, body, KEY)  # noqa: S310 -- our own
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- our own
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_page_has_an_example_of_every_kind() -> None:
    """In the order of its table."""
    assert [json.loads(example)["kind"] for example in EXAMPLES] == list(KINDS)
    assert tomllib.loads(TOML)["metrics"]


@pytest.mark.parametrize("example", EXAMPLES, ids=list(KINDS))
def test_an_example_of_the_page_counts(backtalk: Backtalk, ids: dict[str, str], example: str) -> None:
    """It is acknowledged, and read as what counts under its kind, at the level of its declared metric."""
    for name, value in ids.items():
        example = example.replace(f'"{name}"', json.dumps(value))
    status, given = told(backtalk, "/v1/feedback", example.encode())
    assert (status, given["status"]) == (202, "accepted")

    def read() -> dict[str, Any] | None:
        found: dict[str, Any] = told(backtalk, f"/v1/feedback/{given['feedback_id']}")[1]
        return found if found.get("status") == "counts" else None

    found = wait_until(read, 15, what="that it counts")
    said = json.loads(example)
    declared: dict[str, Any] = tomllib.loads(TOML)["metrics"].get(said.get("metric"), {})
    assert (found["kind"], found["source"]) == (said["kind"], "reviewer")
    assert found.get("level") == declared.get("level")


def test_the_schema_at_the_door_tells_every_kind_by_its_word(backtalk: Backtalk) -> None:
    """A form can be made from it: for each kind one object, which has that kind alone."""
    status, schema = told(backtalk, "/v1/feedback/schema")
    assert (status, schema["discriminator"]["propertyName"]) == (200, "kind")
    mapping = schema["discriminator"]["mapping"]
    assert set(mapping) == set(KINDS)
    assert {one["$ref"] for one in schema["oneOf"]} == set(mapping.values())
    for kind, where in mapping.items():
        model = schema["$defs"][where.removeprefix("#/$defs/")]
        assert model["properties"]["kind"]["const"] == kind
        assert "kind" in model["required"]
        assert model["additionalProperties"] is False
