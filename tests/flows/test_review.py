"""Reviewing through a real Backtalk: drawn answers, labels that are durable, reviewers who do not see each other."""

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from click.testing import CliRunner

from backtalk.cli import main
from backtalk.testing.provider import Provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until


@pytest.fixture(scope="module")
def reviewed(upstream: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backtalk]:
    """A Backtalk that draws every answer, for two reviewers each."""
    settings: dict[str, Any] = {
        "feedback__audit__enabled": True,
        "feedback__audit__shares": ("*=1",),
        "feedback__audit__reviewers": 2,
    }
    with running_backtalk(upstream.url, tmp_path_factory.mktemp("review") / "data", **settings) as made:
        yield made


def _call(backtalk: Backtalk, text: str) -> str:
    """An answer that was drawn; its item, once the queue may have it."""
    with openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-review", max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="scripted", messages=[{"role": "user", "content": text}]
        )
    item: str = raw.headers["x-request-id"]
    document = backtalk.wait_for_trace(item[:32], lambda found: found["calls"] and found["calls"][0].get("audited"))
    assert document["calls"][0]["audit_prob"] == 1.0
    return item


def _post(backtalk: Backtalk, path: str, body: object) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {backtalk.admin_token}"}
    request = urllib.request.Request(backtalk.admin_url + path, json.dumps(body).encode(), headers)  # noqa: S310 -- ours
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- our own
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def _queue(backtalk: Backtalk, reviewer: str) -> dict[str, Any]:
    found: dict[str, Any] = backtalk.admin(f"/v1/review?reviewer={reviewer}&limit=50")[1]
    return {item["item"]: item for item in found["items"]}


def _labels(backtalk: Backtalk, item: str) -> list[dict[str, Any]]:
    document = backtalk.trace(item[:32]) or {"calls": []}
    return [one for call in document["calls"] for one in call["feedback"] if one["kind"] == "label"]


def _wait_for_label(backtalk: Backtalk, item: str, reviewer: str) -> None:
    wait_until(lambda: item not in _queue(backtalk, reviewer), what="the answer to leave the queue")


def test_two_reviewers_label_one_answer_without_seeing_what_was_said(reviewed: Backtalk) -> None:
    """The user's thumb is in the trace and not in the queue; each reviewer sees the answer once; both agree."""
    item = _call(reviewed, "Is the moon a planet?")
    body = json.dumps({"kind": "rating", "value": False, "request_id": item, "comment": "secret opinion"}).encode()
    asked = urllib.request.Request(  # noqa: S310 -- our own
        f"{reviewed.url}/v1/feedback", body, {"authorization": "Bearer sk-review"}
    )
    with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 -- our own
        assert answer.status == 202
    reviewed.wait_for_trace(item[:32], lambda found: found["calls"][0]["feedback"])
    for reviewer in ("ann", "bob"):
        shown = _queue(reviewed, reviewer)[item]
        assert shown["request"]["messages"][-1]["text"] == "Is the moon a planet?"
        assert "secret opinion" not in json.dumps(shown)
        assert set(shown) == {"item", "opened_ns", "request", "answers"}
        label = {"value": True, "rubric": "right", "reviewer": reviewer}
        status, told = _post(reviewed, f"/v1/review/{item}", label)
        assert (status, told["status"], told["audit_prob"]) == (202, "accepted", 1.0)
        _wait_for_label(reviewed, item, reviewer)
    found = _labels(reviewed, item)
    assert [(one["value"], one["source"], one["audit_prob"]) for one in found] == [(True, "reviewer", 1.0)] * 2
    assert len({one["rater"] for one in found}) == 2
    assert {"ann", "bob"}.isdisjoint({one["rater"] for one in found})
    agreed = reviewed.admin("/v1/review/agreement")[1]["rubrics"]["right"]["agreed"]
    assert (agreed["cases"], agreed["value"]) == (1, 1.0)


def test_a_label_that_was_acknowledged_survives_a_kill(reviewed: Backtalk) -> None:
    """The admin process is killed right behind the 202."""
    item = _call(reviewed, "Kill the admin.")
    assert _post(reviewed, f"/v1/review/{item}", {"value": "good", "reviewer": "ann"})[0] == 202
    reviewed.signal_children("admin", signal.SIGKILL)
    wait_until(reviewed.ready, 30.0, what="a new admin process")
    wait_until(lambda: _labels(reviewed, item), 20.0, what="the label")
    assert [one["value"] for one in _labels(reviewed, item)] == ["good"]


def test_a_repeat_is_one_label_and_another_word_supersedes(reviewed: Backtalk) -> None:
    """The same reviewer may press twice, and may think again."""
    item = _call(reviewed, "Twice.")
    label = {"value": False, "reviewer": "ann"}
    first = _post(reviewed, f"/v1/review/{item}", label)[1]["feedback_id"]
    wait_until(lambda: _labels(reviewed, item), what="the label")
    assert _post(reviewed, f"/v1/review/{item}", label)[1]["feedback_id"] == first
    second = _post(reviewed, f"/v1/review/{item}", {**label, "value": True})[1]["feedback_id"]
    wait_until(lambda: second in {one["feedback_id"] for one in _labels(reviewed, item)}, what="the second label")


@pytest.mark.parametrize(
    ("item", "body", "status", "code"),
    [
        ("nonsense", {"value": True, "reviewer": "a"}, 400, "bad_item"),
        (f"{'a' * 32}-{'b' * 16}", {"value": True, "reviewer": "a"}, 404, "unknown_item"),
        (f"{'a' * 32}-{'b' * 16}", {"value": True}, 400, "bad_reviewer"),
        (f"{'a' * 32}-{'b' * 16}", {"value": True, "reviewer": "a", "kind": "rating"}, 400, "unknown_field"),
        (f"{'a' * 32}-{'b' * 16}", [], 400, "invalid_json"),
    ],
)
def test_what_is_no_label_is_refused(reviewed: Backtalk, item: str, body: object, status: int, code: str) -> None:
    """With the reason, and nothing is kept."""
    got, told = _post(reviewed, f"/v1/review/{item}", body)
    assert (got, told["error"]["code"]) == (status, code)


def test_the_command_shows_and_labels(reviewed: Backtalk) -> None:
    """`backtalk review`, as a reviewer types it."""
    item = _call(reviewed, "By hand.")
    settings = Path(reviewed.data_dir.parent / "cli.toml")
    settings.write_text(f"admin_port = {reviewed.admin_url.rpartition(':')[2]}\n", encoding="utf-8")
    options = ["--reviewer", "cleo", "--config", str(settings), "--data-dir", str(reviewed.data_dir)]
    shown = CliRunner().invoke(main, ["review", *options, "--limit", "50"])
    assert shown.exit_code == 0, shown.output
    assert f"item {item}" in shown.output
    assert "user: By hand." in shown.output
    made = CliRunner().invoke(main, ["review", *options, "label", item, "null", "--comment", "cannot tell"])
    assert made.exit_code == 0, made.output
    wait_until(lambda: _labels(reviewed, item), what="the label")
    assert _labels(reviewed, item)[0].get("value") is None
    assert CliRunner().invoke(main, ["review", *options, "agreement"]).exit_code == 0
