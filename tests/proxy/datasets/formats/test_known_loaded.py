"""The formats as their own libraries load them, in environments of their own; the marks `trl` and `formats`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from backtalk.plugin import Message, Sample, SampleKind, ToolCall
from backtalk.testing.format_folders import BUILDERS, written
from backtalk.testing.samples import ASKED, a_sample, said

Run = Callable[..., str]
TOOLS: Final = '[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}]'
TRL_READS: Final = """
import sys
from datasets import load_dataset
from trl.data_utils import is_conversational, maybe_extract_prompt, unpair_preference_dataset
folder, cache = sys.argv[1:]
for name in ("sft", "preference", "unpaired_preference", "reward", "prompt_only"):
    rows = load_dataset("json", data_files=f"{folder}/trl_{name}/test.jsonl", split="train", cache_dir=cache)
    assert len(rows) == 2 and all(is_conversational(row) for row in rows), name
    if name == "reward":
        assert all(maybe_extract_prompt(dict(row))["prompt"] for row in rows)
    if name == "preference":
        assert len(unpair_preference_dataset(rows.select_columns(["prompt", "chosen", "rejected"]))) == 4
"""
READS: Final = {
    "openai": """
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.evals import CreateEvalJSONLRunDataSourceParam
from pydantic import TypeAdapter
messages, tools = TypeAdapter(list[ChatCompletionMessageParam]), TypeAdapter(list[ChatCompletionToolParam])
for name in ("openai_sft", "together_sft", "fireworks_sft"):
    for row in rows(name):
        messages.validate_python(row["messages"]); tools.validate_python(row.get("tools", []))
for name in ("openai_preference", "together_preference", "fireworks_preference"):
    for row in rows(name):
        messages.validate_python(row["input"]["messages"]); tools.validate_python(row["input"].get("tools", []))
        messages.validate_python([*row["preferred_output"], *row["non_preferred_output"]])
source = {"type": "jsonl", "source": {"type": "file_content", "content": rows("openai_evals")}}
TypeAdapter(CreateEvalJSONLRunDataSourceParam).validate_python(source)
""",
    "anthropic": """
from anthropic.types import MessageParam
from pydantic import TypeAdapter
for row in rows("bedrock_claude"):
    TypeAdapter(list[MessageParam]).validate_python(row["messages"])
    assert isinstance(row.get("system", ""), str)
""",
    "botocore": """
import botocore.session
from botocore.validate import ParamValidator
client = botocore.session.get_session().get_service_model("bedrock-runtime")
shape = client.operation_model("Converse").input_shape
for row in rows("bedrock_nova"):
    asked = {"modelId": "amazon.nova-micro-v1:0", "messages": row["messages"], "system": row.get("system", [])}
    report = ParamValidator().validate(asked, shape)
    assert not report.has_errors(), report.generate_report()
""",
    "datasets": """
from datasets import load_dataset
for kind in ("prompt_completion", "preference", "unpaired_preference", "prompt_only", "eval_case"):
    found = load_dataset(f"{folder}/../{kind}/hugging_face", split="test", cache_dir=folder + "/cache")
    assert found[0]["backtalk_feedback_ids"] == ["fb-1"], kind
    files = f"{folder}/../{kind}/rows/*.parquet"
    parquet = load_dataset("parquet", data_files=files, split="train", cache_dir=folder + "/cache")
    assert parquet[0]["feedback_ids"] == ["fb-1"]
""",
    "inspect_ai": """
from inspect_ai.dataset import json_dataset
for sample in json_dataset(f"{folder}/inspect_ai/test.jsonl"):
    assert sample.target == "It scatters." and sample.input[-1].role == "user" and sample.metadata["tag"] == "failed"
""",
    "deepeval": """
from deepeval.dataset import EvaluationDataset
found = EvaluationDataset()
found.add_goldens_from_jsonl_file(f"{folder}/deepeval/test.jsonl")
assert [golden.expected_output for golden in found.goldens] == ["It scatters."] * 2
""",
    "ragas": """
from ragas import EvaluationDataset
found = EvaluationDataset.from_jsonl(f"{folder}/ragas/test.jsonl")
assert found.get_sample_type().__name__ == "SingleTurnSample"
assert [(sample.response, sample.reference) for sample in found] == [("Magic.", "It scatters.")] * 2
""",
    "together": """
from together.lib.utils.files import check_file
for kind, name in (("prompt_completion", "together_sft"), ("preference", "together_preference")):
    report = check_file(f"{folder}/../{kind}/{name}/test.jsonl")
    assert report["is_check_passed"] and report["num_samples"] == 2, report
""",
}
HEAD: Final = """
import json, pathlib, sys
folder = sys.argv[1]
def rows(name):
    found = pathlib.Path(folder).parent.glob(f"*/{name}/test.jsonl")
    lines = [json.loads(line) for file in found for line in file.read_text().splitlines()]
    assert lines, name
    return lines
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two rows of every kind in every format: a plain one, and one with instructions, tools and an earlier turn."""
    for kind in BUILDERS:
        written(tmp_path / kind, kind, _samples(kind))
    return tmp_path


@pytest.mark.trl
@pytest.mark.timeout(300)
def test_trl_reads_all_five(folder: Path, tmp_path: Path, run_python: Run) -> None:
    """`datasets` loads each, and TRL takes its rows for conversational ones."""
    both = tmp_path / "all"
    both.mkdir()
    for kind in BUILDERS:
        for found in (folder / kind).glob("trl_*"):
            found.rename(both / found.name)
    run_python("trl", TRL_READS, str(both), str(tmp_path / "cache"))


@pytest.mark.formats
@pytest.mark.timeout(300)
@pytest.mark.parametrize("library", READS)
def test_library_loads_its_format(folder: Path, run_python: Run, library: str) -> None:
    """By its own types, shapes or loader."""
    venv = "formats-ragas" if library in ("ragas", "together") else "formats"
    run_python(venv, HEAD + READS[library], str(folder / "eval_case"))


def _samples(kind: SampleKind) -> list[Sample]:
    earlier = (
        Message("developer", "Be brief."),
        ASKED,
        Message("assistant", tool_calls=(ToolCall("c-1", "weather", '{"city": "Kyiv", "days": 2}'),)),
        Message("tool", "12 C", tool_call_id="c-1"),
        said("Cold."),
        Message("user", "And why?"),
    )
    tooled: dict[str, Any] = {"prompt": earlier, "tools_json": TOOLS}
    return [a_sample(kind), a_sample(kind, **tooled)]
