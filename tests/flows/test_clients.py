"""The code of the clients' page, run as it stands there: each client works, and its feedback finds its answer."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from backtalk.model.ids import parse_traceparent
from backtalk.settings import plain_environ
from backtalk.testing.answers import last_user_text, text_for, tool_call_for
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.provider import Provider
from backtalk.testing.serve import Backtalk
from backtalk.testing.wire import Exchange

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "proxy/CLIENTS.md"
ADDRESS: Final = "http://127.0.0.1:8080"
ENVIRONMENTS: Final[Mapping[str, str | None]] = {
    "curl": None,
    "OpenAI for Python": "clients",
    "OpenAI for Node": "node",
    "Vercel AI SDK": "node",
    "Anthropic for Python": "clients",
    "Anthropic for Node": "node",
    "LangChain": "clients",
    "LangGraph": "clients",
    "LlamaIndex": "clients-openai2",
    "LiteLLM": "clients",
    "Instructor": "clients-openai2",
    "Pydantic AI": "clients",
    "OpenAI Agents SDK": "clients",
}
"""Where each section's code runs: an environment under `.venvs`, or the machine itself."""
SAID: Final[Mapping[str, tuple[str, Any]]] = {
    "Who wrote Solaris?": ("rating", True),
    "Who filmed it first?": ("rating", False),
    "How warm is it in Lviv?": ("score", 0.5),
    "Plan a picnic.": ("correction", "Bread, cheese, a river."),
}
"""What the page's code says of the answer to each question."""
CALMED: Final = {"LITELLM_LOCAL_MODEL_COST_MAP": "true", "OPENAI_AGENTS_DISABLE_TRACING": "1"}
"""Keeps clients from calling home."""


class Block(NamedTuple):
    """One piece of code of the page."""

    section: str
    language: str
    code: str


def _blocks() -> list[Block]:
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    fenced = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [Block(text.partition("\n")[0], *found) for text in sections for found in fenced.findall(text)]


def _programs() -> Iterator[Any]:
    """The sections' blocks as cases, each with the mark of its environment."""
    for number, block in enumerate(_blocks()):
        environment = ENVIRONMENTS.get(block.section)
        mark = [getattr(pytest.mark, environment.partition("-")[0])] if environment else []
        if block.section in ENVIRONMENTS:
            yield pytest.param(block, id=f"{block.section} {number}", marks=mark)


def test_every_client_of_the_page_is_run() -> None:
    """No code stands there that nothing tries, and each section shows a plain call and a stream."""
    shown = {block.section for block in _blocks() if block.section != "# Clients"}
    assert shown == set(ENVIRONMENTS)
    for block in _blocks():
        if block.section != "# Clients":
            assert {"Who wrote Solaris?", "Who filmed it first?"} <= {one for one in SAID if one in block.code}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("block", [*_programs()])
def test_a_client_works_unchanged_and_its_feedback_finds_the_answer(
    block: Block, backtalk: Backtalk, upstream: Provider, tmp_path: Path
) -> None:
    """Each answer reaches the client, is recorded as understood, and has exactly the feedback that was given on it."""
    key = f"sk-{tmp_path.name}"
    seen = len(upstream.exchanges)
    printed = _run(block, tmp_path, backtalk.url, key)
    exchanges = [one for one in list(upstream.exchanges)[seen:] if key in _credential(one)]
    asked = {question for question in SAID if question in block.code}
    assert {last_user_text(json.loads(one.body)) for one in exchanges} == asked
    for question in asked:
        *before, last = [one for one in exchanges if last_user_text(json.loads(one.body)) == question]
        call = _call(backtalk, last, feedback=1)
        assert [(one["kind"], one["value"]) for one in call["feedback"]] == [SAID[question]]
        for other in before:
            assert _call(backtalk, other)["feedback"] == []
    assert "scripted" in printed


def _call(backtalk: Backtalk, exchange: Exchange, *, feedback: int = 0) -> dict[str, Any]:
    """The recorded call behind what the provider received; checks that it was taken for what it was."""
    parent = parse_traceparent(exchange.header("traceparent") or "")
    assert parent is not None
    document = backtalk.wait_for_trace(
        parent.trace_id, lambda found: found["calls"] and len(found["calls"][0]["feedback"]) >= feedback
    )
    (call,) = document["calls"]
    body = json.loads(exchange.body)
    assert call["span_id"] == parent.span_id
    assert (call["status"], call["outcome"], call["signals"]) == (200, "completed", [])
    assert (call["model"], call["stream"]) == (body["model"], body.get("stream", False))
    assert [(one.get("text"), _tools_of(one)) for one in call["answers"]] == [_said(body)]
    found: dict[str, Any] = call
    return found


def _said(body: dict[str, Any]) -> tuple[str | None, list[tuple[str, Any]]]:
    """Text and tool calls with which the provider answered."""
    tool = tool_call_for(body, Behaviour())
    return (None, [(tool["name"], json.loads(tool["arguments"]))]) if tool else (text_for(body, Behaviour()), [])


def _tools_of(answer: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(call["name"], json.loads(call["arguments"])) for call in answer.get("tool_calls", ())]


def _run(block: Block, directory: Path, url: str, key: str) -> str:
    for helper in _blocks():
        if helper.section == "# Clients":
            name = {"python": "feedback.py", "js": "feedback.mjs"}[helper.language]
            (directory / name).write_text(helper.code.replace(ADDRESS, url), encoding="utf-8")
    program = directory / ("program.mjs" if block.language == "js" else "program")
    program.write_text(block.code.replace(ADDRESS, url), encoding="utf-8")
    given = {"OPENAI_API_KEY": key, "ANTHROPIC_API_KEY": key, "HOME": str(directory)}
    done = subprocess.run(
        [*_interpreter(block, directory), program.name],
        cwd=directory,
        env=plain_environ() | CALMED | given,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _interpreter(block: Block, directory: Path) -> list[str]:
    environment = ENVIRONMENTS[block.section]
    if environment is None:
        if shutil.which(block.section) is None:
            pytest.skip(f"{block.section} is not on this machine")
        return ["sh", "-eu"]
    folder = ROOT / ".venvs" / environment
    if block.language == "js":
        (directory / "node_modules").symlink_to(folder / "node_modules")
    program = folder / "bin" / {"python": "python", "js": "node"}[block.language]
    if not program.exists():
        pytest.skip(f"{program.relative_to(ROOT)} is missing: `make test-{environment.partition('-')[0]}` installs it")
    return [os.fspath(program)]


def _credential(exchange: Exchange) -> str:
    return exchange.header("authorization") or exchange.header("x-api-key") or ""
