"""The ways in and back out of a real Backtalk: token, page, link, reading, taking back, and another tenant's eyes."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from backtalk.cli import main
from backtalk.testing.provider import Provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until

PAGE = "https://app.example"


class Told(NamedTuple):
    """A response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@pytest.fixture(scope="module", name="backtalk")
def backtalk_with_doors(upstream: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backtalk]:
    """A Backtalk that gives tokens, with one page allowed."""
    data: Path = tmp_path_factory.mktemp("doors") / "data"
    settings: dict[str, Any] = {"feedback__tokens__enabled": True, "feedback__allowed_origins": PAGE}
    with running_backtalk(upstream.url, data, **settings) as running:
        yield running


def ask(backtalk: Backtalk, method: str, path: str, body: object = None, **headers: str) -> Told:
    """Send one request; a field's name is written with underscores."""
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(backtalk.url + path, data=raw, headers=fields, method=method)  # noqa: S310 -- our own
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- our own
            return Told(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Told(error.code, dict(error.headers), error.read())


def call(backtalk: Backtalk, text: str, key: str = "sk-doors") -> dict[str, str]:
    """Make a call; returns its response's fields."""
    body = {"model": "scripted", "messages": [{"role": "user", "content": text}]}
    told = ask(
        backtalk,
        "POST",
        "/v1/chat/completions",
        body,
        authorization=f"Bearer {key}",
        content_type="application/json",
    )
    assert told.status == 200
    return told.headers


def status_of(backtalk: Backtalk, feedback_id: str, wanted: str, **credential: str) -> dict[str, Any]:
    """Wait until a feedback can be read with a status."""

    def look() -> dict[str, Any] | None:
        told = ask(backtalk, "GET", f"/v1/feedback/{feedback_id}", **credential)
        return told.json if told.status == 200 and told.json["status"] == wanted else None

    return wait_until(look, 15, what=f"the status {wanted}")


def test_a_page_speaks_of_its_answer_reads_it_and_takes_it_back(backtalk: Backtalk) -> None:
    """With the token alone, from an allowed origin: 202, it counts, retracted; nothing of it is anybody else's."""
    fields = call(backtalk, "a page")
    token = {"x_feedback_token": fields["x-feedback-token"], "origin": PAGE}
    given = ask(backtalk, "POST", "/v1/feedback", {"kind": "rating", "value": False}, **token)
    assert (given.status, given.headers["access-control-allow-origin"]) == (202, PAGE)
    feedback_id = given.json["feedback_id"]
    counted = status_of(backtalk, feedback_id, "counts", **token)
    assert (counted["source"], counted["channel"]) == ("end_user", "token")
    assert "-".join(counted["target"].values()) == fields["x-request-id"]
    app = {"authorization": "Bearer sk-doors"}
    by_trace = ask(backtalk, "GET", f"/v1/feedback?trace_id={fields['x-trace-id']}", **app)
    assert [one["feedback_id"] for one in by_trace.json["feedback"]] == [feedback_id]
    for eyes in ("GET", "DELETE"):
        told = ask(backtalk, eyes, f"/v1/feedback/{feedback_id}", authorization="Bearer sk-somebody-else")
        assert told.status == (404 if eyes == "GET" else 202)
    assert status_of(backtalk, feedback_id, "counts", **app), "a stranger's retraction takes nothing back"
    assert ask(backtalk, "DELETE", f"/v1/feedback/{feedback_id}", **token).status == 202
    assert status_of(backtalk, feedback_id, "retracted", **app)["history"][0]["kind"] == "retraction"


def test_feedback_without_its_call_is_pending(backtalk: Backtalk) -> None:
    """Early, or about a call that never was: it is kept, and said to be so."""
    app = {"authorization": "Bearer sk-doors"}
    body = {"items": [{"kind": "rating", "value": True, "trace_id": "7" * 32}]}
    given = ask(backtalk, "POST", "/v1/feedback", body, **app)
    assert given.status == 202
    assert status_of(backtalk, given.json["items"][0]["feedback_id"], "pending", **app)["target"] is None


def test_a_link_is_looked_at_by_scanners_and_pressed_by_a_person(backtalk: Backtalk) -> None:
    """GET and HEAD leave nothing in the ledger; the form's POST is one rating of that answer."""
    fields = call(backtalk, "a link")
    path = f"/feedback/{fields['x-feedback-token']}"
    for method in ("GET", "HEAD", "GET"):
        assert ask(backtalk, method, f"{path}?value=true").status == 200
    pressed = ask(
        backtalk, "POST", path, b"id=1&value=true&comment=good", content_type="application/x-www-form-urlencoded"
    )
    assert pressed.status == 202
    app = {"authorization": "Bearer sk-doors"}

    def said() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask(backtalk, "GET", f"/v1/feedback?trace_id={fields['x-trace-id']}", **app).json[
            "feedback"
        ]
        return found

    (one,) = wait_until(said, 15, what="the rating")
    assert (one["channel"], one["value"], one["comment"], one["status"]) == ("link", True, "good", "counts")


def test_the_admin_listener_gives_no_tokens(backtalk: Backtalk) -> None:
    """What is asked there is no call of an app, so there is no answer to speak of."""
    raw = json.dumps({"by": "user", "subject": "nobody", "reason": "a test"}).encode()
    fields = {"authorization": f"Bearer {backtalk.admin_token}", "content-type": "application/json"}
    request = urllib.request.Request(f"{backtalk.admin_url}/v1/erasures", raw, fields)  # noqa: S310 -- our own
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- our own
        assert answer.status == 202
        assert answer.headers["x-feedback-token"] is None
        assert answer.headers["x-request-id"]


def test_what_the_call_rejects_is_told_with_its_reason_everywhere(backtalk: Backtalk) -> None:
    """A second answer that the call never gave: acknowledged, and rejected in GET, in the trace and on the terminal."""
    fields = call(backtalk, "rejected")
    app = {"authorization": "Bearer sk-doors"}
    body = {"kind": "rating", "value": True, "request_id": fields["x-request-id"], "choice": 4}
    given = ask(backtalk, "POST", "/v1/feedback", body, **app)
    assert given.status == 202
    told = status_of(backtalk, given.json["feedback_id"], "rejected", **app)
    assert told["reason"] == "choice_out_of_range"
    shown = CliRunner().invoke(main, ["traces", "show", fields["x-trace-id"], "--data-dir", str(backtalk.data_dir)])
    assert f"[rejected: {told['message']}]" in " ".join(shown.output.split()), shown.output


def test_the_command_says_an_outcome_and_takes_it_back(backtalk: Backtalk) -> None:
    """It counts under its metric; the id that was told takes it back; a label needs a reviewer's key."""
    fields = call(backtalk, "an outcome by command")
    options = ["--url", backtalk.url, "--api-key", "sk-doors", "--data-dir", str(backtalk.data_dir)]
    app = {"authorization": "Bearer sk-doors"}
    said = CliRunner().invoke(main, ["feedback", fields["x-trace-id"], "--outcome", "resolved=true", *options])
    assert said.exit_code == 0, said.output
    feedback_id: str = json.loads(said.stdout)["feedback_id"]
    counted = status_of(backtalk, feedback_id, "counts", **app)
    assert (counted["kind"], counted["metric"], counted["value"]) == ("outcome", "resolved", True)
    taken = CliRunner().invoke(main, ["feedback", "--retract", feedback_id, *options])
    assert taken.exit_code == 0, taken.output
    assert status_of(backtalk, feedback_id, "retracted", **app)
    for words in (["--label", "true", "--rubric", "right"], ["--event", "eaten"]):
        refused = CliRunner().invoke(main, ["feedback", fields["x-trace-id"], *words, *options])
        assert refused.exit_code != 0
        assert ("reviewer" if "--label" in words else "copied") in refused.output


def test_the_command_says_that_nothing_is_known_under_a_target(backtalk: Backtalk) -> None:
    """It is kept, and the person is told what the target could be."""
    options = ["--up", "--url", backtalk.url, "--api-key", "sk-doors", "--data-dir", str(backtalk.data_dir)]
    said = CliRunner().invoke(main, ["feedback", "nonesuch", *options])
    assert said.exit_code == 0
    assert "nothing is known under 'nonesuch'" in said.output
