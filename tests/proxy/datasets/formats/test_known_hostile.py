"""Texts of people who wish the reader no good, in every format, as its own library loads them; mark `formats`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from backtalk.plugin import Message, Sample
from backtalk.testing.format_folders import HOSTILE, written
from backtalk.testing.samples import a_sample, said

Run = Callable[..., str]
PLAIN: Final = tuple(f"Question {number}" for number in range(300))
TEXTS: Final = (*HOSTILE, *PLAIN)
READS: Final = {
    "datasets": (
        "formats",
        """
from datasets import load_dataset
found = load_dataset(f"{folder}/hugging_face", split="test", cache_dir=folder + "/cache")
said([[row["prompt"][-1]["content"], row["reference"]] for row in found])
""",
    ),
    "inspect_ai": (
        "formats",
        """
from inspect_ai.dataset import json_dataset
said([[sample.input[-1].text, sample.target] for sample in json_dataset(f"{folder}/inspect_ai/test.jsonl")])
""",
    ),
    "deepeval": (
        "formats",
        """
from deepeval.dataset import EvaluationDataset
found = EvaluationDataset()
found.add_goldens_from_jsonl_file(f"{folder}/deepeval/test.jsonl")
said([[golden.input, golden.expected_output] for golden in found.goldens])
""",
    ),
    "ragas": (
        "formats-ragas",
        """
from ragas import EvaluationDataset
found = EvaluationDataset.from_jsonl(f"{folder}/ragas/test.jsonl")
said([[sample.user_input, sample.reference] for sample in found])
""",
    ),
}
HEAD: Final = """
import json, pathlib, sys
folder, out = sys.argv[1:]
def said(pairs):
    pathlib.Path(out).write_text(json.dumps(pairs))
"""
GRADER: Final = """
import fs from "node:fs";
export default class {
  id() { return "grader"; }
  async callApi(prompt) {
    fs.appendFileSync("FILE", JSON.stringify(JSON.parse(prompt).at(-1).content) + "\\n");
    return { output: '{"pass": true, "score": 1, "reason": "asked"}' };
  }
}
"""
"""Takes every answer for right, and keeps what it was asked."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Cases whose every text is hostile, and hundreds of plain ones."""
    made = written(tmp_path / "set", "eval_case", map(_case, TEXTS))
    assert {name: dict(skipped) for name, skipped in made.skipped.items() if skipped} == {}
    return tmp_path / "set"


def _case(text: str) -> Sample:
    prompt = (Message("system", text), Message("user", text), said(text), Message("user", text))
    return a_sample("eval_case", prompt=prompt, completion=said(text), reference=said(text))


@pytest.mark.formats
@pytest.mark.timeout(300)
@pytest.mark.parametrize("library", READS)
def test_library_gives_every_text_back(folder: Path, tmp_path: Path, run_python: Run, library: str) -> None:
    """To the character, whatever it says."""
    venv, script = READS[library]
    run_python(venv, HEAD + script, str(folder), str(tmp_path / "out.json"))
    assert json.loads((tmp_path / "out.json").read_text()) == [[text, text] for text in TEXTS]


@pytest.mark.formats
@pytest.mark.timeout(300)
def test_promptfoo_sends_every_text_and_runs_none(folder: Path, tmp_path: Path, run_promptfoo: Run) -> None:
    """The model and the grader are given what was written: no template is filled in, and no file read."""
    (folder / "promptfoo/evil.js").write_text("module.exports = () => ({ output: 'run' });")
    (tmp_path / "grader.mjs").write_text(GRADER.replace("FILE", str(tmp_path / "asked.jsonl")))
    asked = (
        "--grader",
        f"file://{tmp_path / 'grader.mjs'}",
        "--no-cache",
        "--no-table",
        "-o",
        str(tmp_path / "out.json"),
    )
    run_promptfoo(folder / "promptfoo", "validate", "config", "-c", "promptfooconfig.yaml")
    run_promptfoo(folder / "promptfoo", "eval", "-c", "promptfooconfig.yaml", *asked)
    results: list[dict[str, Any]] = json.loads((tmp_path / "out.json").read_text())["results"]["results"]
    sent = {one["testIdx"]: json.loads(one["response"]["output"]) for one in results}
    assert [[turn["content"] for turn in sent[number]] for number in range(len(TEXTS))] == [[one] * 4 for one in TEXTS]
    graded = [json.loads(line) for line in (tmp_path / "asked.jsonl").read_text().split("\n") if line]
    expected = {f"The answer says the same as this one: {text}\n" for text in TEXTS}
    assert len(graded) == len(TEXTS)
    assert {text for text in expected if not any(text in asked for asked in graded)} == set()
