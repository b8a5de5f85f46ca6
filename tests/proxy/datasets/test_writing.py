"""Rows into formats."""

import json
from pathlib import Path

from backtalk.datasets.recipe import parse_recipe
from backtalk.datasets.rows import DatasetRow, encode_row, row_key
from backtalk.datasets.scratch import Scratch
from backtalk.datasets.writing import row_entries, write
from backtalk.plugin import Message, Sample, ToolCall
from backtalk.testing.samples import ASKED, a_sample


def scratch_of(folder: Path, *samples: Sample) -> Scratch:
    """A scratch file whose rows are all for tests."""
    scratch = Scratch(folder / "scratch")
    for sample in samples:
        number = scratch.add(row_key(sample), encode_row(DatasetRow(sample, "m", "en")))
        scratch.assign([(number, "test")])
    return scratch


def test_a_format_that_cannot_hold_a_row_leaves_it_out_alone(tmp_path: Path) -> None:
    """The row stands in the others, and the manifest counts it."""
    called = Message("assistant", tool_calls=(ToolCall("c", "f", "{}"),))
    sample = a_sample("prompt_completion", prompt=(ASKED, called, Message("tool", "1", tool_call_id="c"), ASKED))
    text = 'builders = ["accepted_answers"]\nformats = ["openai_sft", "bedrock_claude"]\n[split.shares]\ntest = 1.0'
    scratch = scratch_of(tmp_path, sample)

    written = write(tmp_path, parse_recipe("mine", text), scratch)

    assert len((tmp_path / "openai_sft" / "test.jsonl").read_text().splitlines()) == 1
    assert written.skipped["bedrock_claude"] == {"tools_not_taken": 1}
    assert written.balance.rows == 1
    assert [entry["row"] for entry in row_entries(scratch)] == [0]


def test_formats_bring_what_their_tools_want_beside_the_lines(tmp_path: Path) -> None:
    """A card, a configuration."""
    text = 'builders = ["failed_cases"]\nformats = ["hugging_face", "promptfoo"]\n[split.shares]\ntest = 1.0'

    written = write(tmp_path, parse_recipe("mine", text), scratch_of(tmp_path, a_sample("eval_case")))

    assert "path: data/test.jsonl" in (tmp_path / "hugging_face" / "README.md").read_text()
    assert "file://test.jsonl" in (tmp_path / "promptfoo" / "promptfooconfig.yaml").read_text()
    assert {entry.name for entry in written.files} >= {"promptfoo/prompt.json", "hugging_face/README.md"}
    assert json.loads((tmp_path / "hugging_face" / "data" / "test.jsonl").read_text())["tag"] == "failed"
