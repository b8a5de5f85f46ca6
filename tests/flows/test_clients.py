"""The code of the clients' page, run as it stands there: each client works, and its feedback finds its answer."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
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
PAGE: Final = ROOT / "docs/clients.md"
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
    "mini-swe-agent": "clients-openai2",
    "aider": "clients-aider",
}
"""Where each section's code runs: an environment under `.venvs`, or the machine itself."""
SAID: Final[Mapping[str, tuple[str, Any]]] = {
    "Who wrote Solaris?": ("rating", True),
    "Who filmed it first?": ("rating", False),
    "How warm is it in Lviv?": ("score", 0.5),
    "Plan a picnic.": ("correction", "Bread, cheese, a river."),
}
"""What the page's code says of the answer to each question."""
AGENTS: Final[Mapping[str, tuple[Behaviour, ...]]] = {
    "mini-swe-agent": (
        Behaviour(tool_arguments='{"command": "echo Hello > hello.txt"}'),
        Behaviour(tool_arguments='{"command": "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"}'),
    ),
    "aider": (Behaviour(text="hello.txt\n```\nHello\n```\n"),),
}
"""What the model says to the sections that write `hello.txt`."""
CALMED: Final = {
    "AIDER_ANALYTICS_DISABLE": "true",
    "AIDER_CHECK_UPDATE": "false",
    "AIDER_SHOW_MODEL_WARNINGS": "false",
    "AIDER_SHOW_RELEASE_NOTES": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "true",
    "MSWEA_COST_TRACKING": "ignore_errors",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
}
"""Keeps clients from calling home and from asking."""


COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {"python": ("python",), "js": ("node",), "sh": ("sh", "-eu")}


class Block(NamedTuple):
    """One piece of code of the page."""

    section: str
    language: str
    code: str


def _blocks() -> list[Block]:
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    fenced = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [Block(text.partition("\n")[0], *found) for text in sections for found in fenced.findall(text)]


def _programs(sections: Collection[str]) -> Iterator[Any]:
    """The sections' blocks as cases, each with the mark of its environment."""
    for number, block in enumerate(_blocks()):
        environment = ENVIRONMENTS.get(block.section)
        mark = [getattr(pytest.mark, environment.partition("-")[0])] if environment else []
        if block.section in sections:
            yield pytest.param(block, id=f"{block.section} {number}", marks=mark)


def test_every_client_of_the_page_is_run() -> None:
    """No code stands there that nothing tries, and each section shows a plain call and a stream, or a task."""
    shown = [block for block in _blocks() if block.section != "# Clients"]
    assert {block.section for block in shown} == set(ENVIRONMENTS)
    for block in shown:
        expected = {"Write hello.txt."} if block.section in AGENTS else {"Who wrote Solaris?", "Who filmed it first?"}
        assert {text for text in expected if text not in block.code} == set()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", [*_programs(ENVIRONMENTS.keys() - AGENTS)])
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


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", [*_programs(AGENTS)])
def test_a_coding_agent_does_its_task_in_one_session(
    block: Block, backtalk: Backtalk, upstream: Provider, tmp_path: Path
) -> None:
    """The file is written, the calls are one session, and the feedback is on the last answer or on that session."""
    key = f"sk-{block.section}-{tmp_path.name}"
    seen = len(upstream.exchanges)
    upstream.script(*AGENTS[block.section])
    _run(block, tmp_path, backtalk.url, key)
    exchanges = [one for one in list(upstream.exchanges)[seen:] if key in _credential(one)]
    assert (tmp_path / "hello.txt").read_text(encoding="utf-8") == "Hello\n"
    assert len(exchanges) == len(AGENTS[block.section])
    documents = [_document(backtalk, one) for one in exchanges]
    last = _document(backtalk, exchanges[-1], _feedback)
    assert len({document["calls"][0]["session_id"] for document in documents}) == 1
    assert _feedback(last) == [("file_is_there", 1.0)]
    assert [_feedback(document) for document in documents[:-1]] == [[]] * (len(documents) - 1)


def _feedback(document: dict[str, Any]) -> list[tuple[str, float]]:
    """What was said of a trace's call or of its session."""
    given = [*document["session_feedback"], *document["calls"][0]["feedback"]]
    return [(one["metric"], one["value"]) for one in given]


def _call(backtalk: Backtalk, exchange: Exchange, *, feedback: int = 0) -> dict[str, Any]:
    """The recorded call behind what the provider received; checks that it was taken for what it was."""
    document = _document(backtalk, exchange, lambda found: len(found["calls"][0]["feedback"]) >= feedback)
    (call,) = document["calls"]
    body = json.loads(exchange.body)
    assert (call["status"], call["outcome"], call["signals"]) == (200, "completed", [])
    assert (call["model"], call["stream"]) == (body["model"], body.get("stream", False))
    assert [(one.get("text"), _tools_of(one)) for one in call["answers"]] == [_said(body)]
    found: dict[str, Any] = call
    return found


def _document(backtalk: Backtalk, exchange: Exchange, holds: Callable[[Any], object] = bool) -> dict[str, Any]:
    """The trace of what the provider received, once its one call has its session and `holds`."""
    sent = parse_traceparent(exchange.header("traceparent") or "")
    assert sent is not None
    document = backtalk.wait_for_trace(
        sent.trace_id, lambda found: found["calls"] and found["calls"][0]["session"] and holds(found)
    )
    assert [call["span_id"] for call in document["calls"]] == [sent.span_id]
    return document


def _said(body: dict[str, Any]) -> tuple[str | None, list[tuple[str, Any]]]:
    """Text and tool calls with which the provider answered."""
    tool = tool_call_for(body, Behaviour())
    return (None, [(tool["name"], json.loads(tool["arguments"]))]) if tool else (text_for(body, Behaviour()), [])


def _tools_of(answer: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(call["name"], json.loads(call["arguments"])) for call in answer.get("tool_calls", ())]


def _run(block: Block, directory: Path, url: str, key: str) -> str:
    """Run a block as a program in `directory`; returns what it printed, fails with it when the program fails."""
    for shared in _blocks():
        if shared.section == "# Clients":
            name = {"python": "feedback.py", "js": "feedback.mjs"}[shared.language]
            (directory / name).write_text(shared.code.replace(ADDRESS, url), encoding="utf-8")
    program = directory / ("program.mjs" if block.language == "js" else "program")
    program.write_text(block.code.replace(ADDRESS, url), encoding="utf-8")
    given = {"OPENAI_API_KEY": key, "ANTHROPIC_API_KEY": key, "HOME": str(directory)}
    done = subprocess.run(
        [*COMMANDS[block.language], program.name],
        cwd=directory,
        env=plain_environ() | CALMED | given | _path(block, directory),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _path(block: Block, directory: Path) -> dict[str, str]:
    """PATH with the programs of the section's environment before all others."""
    environment, path = ENVIRONMENTS[block.section], plain_environ()["PATH"]
    if environment is None:
        if shutil.which(block.section) is None:
            pytest.skip(f"{block.section} is not on this machine")
        return {"PATH": path}
    folder = ROOT / ".venvs" / environment
    if not (folder / ".ready").exists():
        pytest.skip(f"{folder.name} is not set up: `make test-{environment.partition('-')[0]}` does it")
    if block.language == "js":
        (directory / "node_modules").symlink_to(folder / "node_modules")
    return {"PATH": f"{folder / 'bin'}{os.pathsep}{path}"}


def _credential(exchange: Exchange) -> str:
    return exchange.header("authorization") or exchange.header("x-api-key") or ""
