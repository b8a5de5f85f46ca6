"""The trainer `trl`: what it refuses, how it ends what it began, a step of each method with the real library."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from backtalk.datasets.formats import trl as shapes
from backtalk.errors import SetupError
from backtalk.model.chat import Message, ToolCall
from backtalk.plugin import Sample, SampleKind, TrainingFailedError, TrainingJob
from backtalk.plugin.discovery import load_trainer
from backtalk.testing.samples import ASKED, a_sample, said
from backtalk.testing.trainers import check_trainer
from backtalk.testing.waiting import wait_until
from backtalk_trl import Trl, gguf_adapter
from backtalk_trl.settings import FORMATS, Method

PYTHON: Final = Path(__file__).parents[2] / ".venvs/trl/bin/python"
SHAPES: Final[Mapping[Method, tuple[SampleKind, Callable[[Sample], dict[str, Any]]]]] = {
    "sft": ("prompt_completion", shapes.sft),
    "dpo": ("preference", shapes.preference),
    "kto": ("unpaired_preference", shapes.unpaired_preference),
    "reward": ("preference", shapes.reward),
    "grpo": ("prompt_only", shapes.prompt_only),
}
TOOLS: Final = '[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}]'
STAND_IN: Final = """#!/bin/sh
# Stands in for the interpreter: `step.py` and a job come as arguments.
folder=$(dirname "$2")
echo "progress 2 rows"
echo "$2" >> "$folder/started"
{then}
"""
FINISHES: Final = """mkdir -p "$folder/adapter"
echo '{"metrics": {"train_loss": 0.5}, "dtype": "float32", "libraries": {"trl": "1"}}' > "$folder/metrics.json"
"""
A_TINY_MODEL: Final = """
import sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, set_seed
set_seed(0)
letters = sorted(pre_tokenizers.ByteLevel.alphabet())
vocabulary = {token: number for number, token in enumerate(["<end>", "<pad>", *letters])}
letter_by_letter = Tokenizer(models.BPE(vocabulary, []))
letter_by_letter.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
letter_by_letter.decoder = decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=letter_by_letter, eos_token="<end>", pad_token="<pad>")
tokenizer.chat_template = (
    "{% for one in messages %}{{ one.role[0] }}:{{ one.content }}{{ one.tool_calls | default('') }}<end>{% endfor %}"
    "{% if add_generation_prompt %}a:{% endif %}"
)
tokenizer.save_pretrained(sys.argv[1])
sizes = dict(hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1)
config = Qwen2Config(**sizes, vocab_size=len(vocabulary), eos_token_id=0, pad_token_id=1, tie_word_embeddings=True)
model = Qwen2ForCausalLM(config)
assert model.num_parameters() < 5000, model.num_parameters()
model.save_pretrained(sys.argv[1])
"""
ITS_HEAD: Final = """
import sys
import gguf
writer = gguf.GGUFWriter(sys.argv[1], sys.argv[2])
writer.add_block_count(2)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
"""
WHAT_IS_IN_IT: Final = """
import json, sys
import gguf
reader = gguf.GGUFReader(sys.argv[1])
fields = {name: reader.get_field(name).contents() for name in ("general.type", "adapter.type", "adapter.lora.alpha")}
print(json.dumps([fields, {one.name: one.data.shape for one in reader.tensors}]))
"""
LENGTH: Final = """
def shorter(completions, **columns):
    assert "reference" in columns
    return [-float(len(one[0]["content"])) for one in completions]
"""


def a_job(tmp_path: Path, method: Method = "sft", **settings: Any) -> TrainingJob:
    """A dataset of two rows, a plain one and one with instructions, tools and an earlier turn, and what to train."""
    kind, shape = SHAPES[method]
    earlier = (
        Message("system", "Be brief."),
        ASKED,
        Message("assistant", tool_calls=(ToolCall("c-1", "weather", '{"city": "Kyiv"}'),)),
        Message("tool", "12 C", tool_call_id="c-1"),
        said("Cold."),
        Message("user", "And why?"),
    )
    rows = [shape(a_sample(kind)), shape(a_sample(kind, prompt=earlier, tools_json=TOOLS))]
    folder = tmp_path / "dataset" / FORMATS[method]
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    told: dict[str, Any] = {"python": "python-of-trl", "model": "model", "method": method, **settings}
    return TrainingJob(tmp_path / "dataset", "0f3a9c1d22b47e65", tmp_path / "tune-1", told)


def a_stand_in(tmp_path: Path, then: str) -> str:
    """A program in the interpreter's place."""
    path = tmp_path / "python-of-trl"
    path.write_text(STAND_IN.replace("{then}", then), encoding="utf-8")
    path.chmod(0o700)
    return str(path)


def test_it_keeps_the_promises_of_a_trainer(tmp_path: Path) -> None:
    """By the suite that every trainer passes; the model is asked for by the name that was given."""
    job = a_job(tmp_path, python=a_stand_in(tmp_path, FINISHES), serves_as="desk-2", epochs=2)
    trained = check_trainer(load_trainer("trl", {}), job)
    assert (trained.artefact, trained.model) == (str(tmp_path / "tune-1/adapter"), "desk-2")
    assert trained.metrics == {"train_loss": 0.5}
    assert (trained.config["epochs"], trained.config["libraries"]) == (2.0, {"trl": "1"})
    assert trained.config["base_model"] == "model"


def test_a_finished_job_is_not_done_twice(tmp_path: Path) -> None:
    """The same job takes what lies there; another job in that folder is refused."""
    job = a_job(tmp_path, python=a_stand_in(tmp_path, FINISHES))
    first = Trl().train(job, lambda _: None)
    lines: list[str] = []
    assert Trl().train(job, lines.append) == first
    assert lines == ["trained before; taken as it is"]
    assert len((job.artefact / "started").read_text().splitlines()) == 1
    other = msgspec.structs.replace(job, settings={**job.settings, "seed": 7})
    with pytest.raises(TrainingFailedError, match="holds another job"):
        Trl().train(other, lambda _: None)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"method": "grpo"}, "grpo needs a reward"),
        ({"reward": "rewards.py:shorter"}, "nothing else takes one"),
        ({"method": "ppo"}, "'sft', 'dpo', 'kto', 'reward' or 'grpo'"),
        ({"epochs": 0}, "epochs: Input should be greater than 0"),
        ({"reward": "shorter"}, "reward: String should match pattern"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused(tmp_path: Path, settings: dict[str, Any], why: str) -> None:
    """Before anything is started, with what is allowed."""
    job = a_job(tmp_path)
    with pytest.raises(SetupError, match=why):
        Trl().train(msgspec.structs.replace(job, settings={**job.settings, **settings}), lambda _: None)
    assert not job.artefact.exists()


def test_a_dataset_without_the_format_is_refused(tmp_path: Path) -> None:
    """With the format that the method reads."""
    job = a_job(tmp_path, "sft")
    with pytest.raises(TrainingFailedError, match=r"dpo needs .*build it with the format trl_preference"):
        Trl().train(msgspec.structs.replace(job, settings={**job.settings, "method": "dpo"}), lambda _: None)


def test_a_failed_training_says_its_last_words(tmp_path: Path) -> None:
    """What the library printed last is why; lines of progress are not among it."""
    job = a_job(tmp_path, python=a_stand_in(tmp_path, "echo 'RuntimeError: no memory' >&2; exit 3"))
    with pytest.raises(TrainingFailedError, match=r"^the training ended with 3: RuntimeError: no memory$"):
        Trl().train(job, lambda _: None)


def test_a_missing_interpreter_is_named(tmp_path: Path) -> None:
    """And not taken for a failed training."""
    with pytest.raises(TrainingFailedError, match="python-of-trl cannot be started"):
        Trl().train(a_job(tmp_path), lambda _: None)


@pytest.mark.parametrize("interrupted", [False, True])
def test_everything_it_started_ends_with_it(tmp_path: Path, interrupted: bool) -> None:
    """When its time is up, or somebody interrupts it: no process of the group is left."""
    then = 'sleep 300 & echo $! > "$folder/child"; echo "progress waiting"; wait'
    job = a_job(tmp_path, python=a_stand_in(tmp_path, then), timeout_s=60 if interrupted else 1)
    told = _interrupt if interrupted else _listen
    with pytest.raises(KeyboardInterrupt if interrupted else TrainingFailedError):
        Trl().train(job, told)
    child = int((job.artefact / "child").read_text())
    wait_until(lambda: not _runs(child), what="the end of the training's child")


KILLED: Final = """
import sys
from pathlib import Path
from backtalk.plugin import TrainingJob
from backtalk_trl import Trl
dataset, artefact, python = sys.argv[1:]
Trl().train(TrainingJob(Path(dataset), "d", Path(artefact), {"python": python, "model": "m", "method": "sft"}), print)
"""


def test_a_training_ends_with_whoever_asked_for_it(tmp_path: Path) -> None:
    """A killed one ends nothing itself, and what runs on would meet the next attempt in the same folder."""
    stand_in = a_stand_in(tmp_path, 'sleep 300 & echo "progress $$ $!"; wait')
    job = a_job(tmp_path)
    words = [sys.executable, "-uc", KILLED, str(job.dataset), str(job.artefact), stand_in]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as asker:
        assert asker.stdout is not None
        assert asker.stdout.readline() == "2 rows\n"
        family = [int(pid) for pid in asker.stdout.readline().split()]
        assert (len(family), all(map(_runs, family))) == (2, True)
        asker.kill()
    wait_until(lambda: not any(map(_runs, family)), 20, what="the end of the training and its child")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model of a few thousand random weights, and a tokenizer that knows letters."""
    if not PYTHON.exists():
        pytest.skip("there is no environment for it: run `make test-trl`")
    folder = tmp_path_factory.mktemp("tiny")
    subprocess.run([str(PYTHON), "-c", A_TINY_MODEL, str(folder)], check=True, timeout=300)
    return folder


@pytest.mark.trl
@pytest.mark.timeout(600)
@pytest.mark.parametrize("method", SHAPES)
def test_trl_takes_a_step_on_each_format(tmp_path: Path, tiny: Path, method: Method) -> None:
    """With the real library: two rows go in, adapters come out, and the loss is a number."""
    more: dict[str, Any] = {"reward": f"{tmp_path}/rewards.py:shorter"} if method == "grpo" else {}
    (tmp_path / "rewards.py").write_text(LENGTH, encoding="utf-8")
    sizes: dict[str, Any] = {"batch_size": 4 if method == "grpo" else 2, "num_generations": 2, "max_steps": 1}
    job = a_job(tmp_path, method, python=str(PYTHON), model=str(tiny), threads=1, dtype="float32", **sizes, **more)
    lines: list[str] = []
    trained = Trl().train(job, lines.append)
    assert (trained.metrics["rows"], trained.metrics["steps"]) == (2, 1)
    assert trained.metrics["train_loss"] == trained.metrics["train_loss"]
    assert (Path(trained.artefact) / "adapter_model.safetensors").stat().st_size > 0
    assert any(line.startswith("step 1 of 1, loss") for line in lines)
    assert {one.name for one in job.artefact.iterdir()} == {"adapter", "job.json", "metrics.json"}
    assert trained.config["libraries"].keys() >= {"torch", "trl", "peft"}


@pytest.mark.trl
@pytest.mark.timeout(600)
def test_an_adapter_is_written_as_llama_cpp_reads_it(tmp_path: Path, tiny: Path) -> None:
    """Each pair of matrices by its name there; an architecture that keeps its weights otherwise is refused."""
    job = a_job(tmp_path, python=str(PYTHON), model=str(tiny), threads=1, dtype="float32", max_steps=1, first_layer=1)
    adapter = Path(Trl().train(job, _listen).artefact)
    _python(ITS_HEAD, tmp_path / "qwen2.gguf", "qwen2")
    _python(ITS_HEAD, tmp_path / "llama.gguf", "llama")
    refused = _write(adapter, tmp_path / "llama.gguf")
    assert (refused.returncode, "adapters of llama cannot be written" in refused.stderr) == (1, True)
    assert _write(adapter, tmp_path / "qwen2.gguf").returncode == 0
    fields, shapes = json.loads(_python(WHAT_IS_IN_IT, adapter / "adapter.gguf"))
    assert fields == {"general.type": "adapter", "adapter.type": "lora", "adapter.lora.alpha": 16.0}
    assert {name.split(".")[1] for name in shapes} == {"1"}
    assert shapes["blk.1.attn_q.weight.lora_a"] == [8, 8]
    assert shapes["blk.1.ffn_down.weight.lora_b"] == [8, 8]
    assert len(shapes) == 14


def _python(script: str, *arguments: object) -> str:
    command = [str(PYTHON), "-c", script, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def _write(adapter: Path, model: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(PYTHON), gguf_adapter.__file__, str(adapter), str(model)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def _listen(line: str) -> None:
    del line


def _interrupt(line: str) -> None:
    if line == "waiting":
        raise KeyboardInterrupt


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):  # it may end between the two
        return False
    return state != "Z"
