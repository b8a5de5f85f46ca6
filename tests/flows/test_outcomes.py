"""The page on outcomes: its code is run as it stands there, and its file import against a real Backtalk."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import openai
import pytest

from backtalk.settings import plain_environ
from backtalk.testing.serve import Backtalk
from backtalk.testing.waiting import wait_until

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs/outcomes.md"
ADDRESS: Final = "http://127.0.0.1:8080"
NODE: Final = ROOT / ".venvs/node/bin/node"
BLOCKS: Final = re.findall(r"^```(python|ts)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def asked(client: openai.OpenAI, text: str) -> str:
    """Make a call; its trace id."""
    raw = client.chat.completions.with_raw_response.create(model="small", messages=[{"role": "user", "content": text}])
    return raw.headers["x-trace-id"]


def outcomes(backtalk: Backtalk, trace_id: str, count: int) -> list[dict[str, Any]]:
    """The outcomes on the one call of a trace, once there are so many."""

    def found() -> list[dict[str, Any]] | None:
        document = backtalk.trace(trace_id)
        said: list[dict[str, Any]] = document["calls"][0]["feedback"] if document and document["calls"] else []
        return said if len(said) == count else None

    return wait_until(found, timeout_s=20, what=f"{count} outcomes on {trace_id}")


def run_block(language: str, code: str, folder: Path, backtalk: Backtalk, trace_id: str) -> str:
    """What a block prints, with its address and key of this test."""
    file = folder / ("report.py" if language == "python" else "report.mts")
    file.write_text(code.replace(ADDRESS, backtalk.url), encoding="utf-8")
    command = [sys.executable] if language == "python" else [str(NODE), "--experimental-strip-types", "--no-warnings"]
    environment = {**plain_environ(), "OPENAI_API_KEY": "sk-flow", "TRACE_ID": trace_id}
    done = subprocess.run(
        [*command, str(file)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("language", "code"),
    [
        pytest.param(*block, id=f"{block[0]} {number}", marks=[pytest.mark.node] if block[0] == "ts" else [])
        for number, block in enumerate(BLOCKS)
    ],
)
def test_code_of_the_page_reports_outcomes(
    language: str, code: str, backtalk: Backtalk, client: openai.OpenAI, tmp_path: Path
) -> None:
    """Each prints the ids of what it sent, which stands on the call; where it has an id, a second run counts once."""
    trace_id = asked(client, f"What became of this? {tmp_path.name}")
    printed = run_block(language, code, tmp_path, backtalk, trace_id).split()
    if '"id"' in code or "id:" in code:
        assert run_block(language, code, tmp_path, backtalk, trace_id).split() == printed
    found = outcomes(backtalk, trace_id, len(printed))
    assert {one["feedback_id"] for one in found} == set(printed)
    assert {one["metric"]: one["value"] for one in found}["resolved"] is True


def lines(file: Path) -> list[dict[str, Any]]:
    """A file's lines, as JSON."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def imported(backtalk: Backtalk, file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The import command's end."""
    command = [sys.executable, "-m", "backtalk", "feedback", "import", str(file), "--api-key", "sk-flow"]
    return subprocess.run(
        [*command, "--data-dir", str(backtalk.data_dir), *more], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_file_of_outcomes_joins_its_calls(backtalk: Backtalk, client: openai.OpenAI, tmp_path: Path) -> None:
    """What names no call is pending, what is wrong is refused, each with its line; sent again it changes nothing."""
    traces = [asked(client, f"Outcome {number} of {tmp_path.name}?") for number in range(3)]
    file = tmp_path / "tickets.csv"
    rows = [
        f"{traces[0]},true,5",
        f"{traces[1]},false,",
        f"{traces[2]},true,1",
        f"{'0' * 31}1,true,",
        "not a key \x01,true,",
    ]
    file.write_text("call,resolved,stars\n" + "\n".join(rows) + "\n")
    columns = ("--key", "call", "--outcome", "resolved", "--outcome", "csat=stars")

    done = imported(backtalk, file, *columns)

    assert "5 rows: 6 feedback taken, 0 of them known already" in done.stdout, done.stderr
    assert "5 joined, 1 pending, 0 ambiguous" in done.stdout
    assert done.returncode == 1
    assert [line["line"] for line in lines(tmp_path / "tickets.csv.refused.jsonl")] == [6]
    assert lines(tmp_path / "tickets.csv.unjoined.jsonl") == [{"line": 5, "status": "pending"}]
    assert {one["metric"]: one["value"] for one in outcomes(backtalk, traces[0], 2)} == {"resolved": True, "csat": 5}
    again = imported(backtalk, file, *columns, "--anew")
    assert "6 feedback taken, 6 of them known already" in again.stdout
    assert len(outcomes(backtalk, traces[0], 2)) == 2
