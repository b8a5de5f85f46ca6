"""One training with TRL; run by the interpreter that has torch and TRL, which has no Backtalk.

In: a file of JSON that says what to train on and how. Out: lines of progress on stdout; the adapter and
`metrics.json` in the artefact's folder. The one rule: nothing is asked of a network; the model and the rows are files.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Final

LIBRARIES: Final = ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "numpy")
_OFFLINE: Final = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def main() -> None:
    """Do the job that the named file describes."""
    job: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.environ.update(_OFFLINE)  # noqa: TID251 -- the libraries read theirs
    started_s = time.monotonic()
    say("loading the model")
    trainer = trainer_of(job)
    out = Path(job["out"])
    say(f"{job['method']} on {len(trainer.train_dataset)} rows, {trainable(trainer.model)} weights to train")
    resumed = any(out.glob("checkpoints/checkpoint-*"))
    result = trainer.train(resume_from_checkpoint=resumed or None)
    trainer.save_model(str(out / "adapter"))
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    measured = {
        "train_loss": float(result.training_loss),
        **({"first_loss": float(losses[0]), "last_loss": float(losses[-1])} if losses else {}),
        "rows": float(len(trainer.train_dataset)),
        "steps": float(trainer.state.global_step),
        "seconds": round(time.monotonic() - started_s, 1),
    }
    facts = {"metrics": measured, "dtype": str(trainer.model.dtype), "libraries": versions()}
    for needless in ("cache", "checkpoints"):  # the cache holds the texts of the rows
        shutil.rmtree(out / needless, ignore_errors=True)
    (out / "metrics.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def trainer_of(job: dict[str, Any]) -> Any:
    """TRL's trainer of the method, with the model, the rows and the settings of the job."""
    trl, transformers = importlib.import_module("trl"), importlib.import_module("transformers")
    transformers.set_seed(job["seed"])
    transformers.utils.logging.disable_progress_bar()
    if job["threads"]:
        importlib.import_module("torch").set_num_threads(job["threads"])
    config, trainer, own = _METHODS[job["method"]]
    model, tokenizer = loaded(job)
    extra: dict[str, Any] = {"reward_funcs": rewarding(job["reward"])} if job["method"] == "grpo" else {}
    made = getattr(trl, trainer)(
        model=model,
        args=getattr(trl, config)(**common(job), **{name: job[name] for name in own}),
        train_dataset=rows_of(job),
        processing_class=tokenizer,
        peft_config=adapters(job, model),
        callbacks=[telling(transformers)],
        **extra,
    )
    made.remove_callback(transformers.trainer_callback.PrinterCallback)
    return made


_METHODS: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "sft": ("SFTConfig", "SFTTrainer", ("max_length",)),
    "dpo": ("DPOConfig", "DPOTrainer", ("max_length", "beta")),
    "kto": ("KTOConfig", "KTOTrainer", ("max_length", "beta")),
    "reward": ("RewardConfig", "RewardTrainer", ("max_length",)),
    "grpo": ("GRPOConfig", "GRPOTrainer", ("beta", "num_generations", "max_completion_length")),
}


def common(job: dict[str, Any]) -> dict[str, Any]:
    """What every method is told."""
    has_cuda = bool(importlib.import_module("torch").cuda.is_available())
    return {
        "output_dir": str(Path(job["out"]) / "checkpoints"),
        "num_train_epochs": job["epochs"],
        "max_steps": job["max_steps"],
        "per_device_train_batch_size": job["batch_size"],
        "learning_rate": job["learning_rate"],
        "warmup_steps": job["warmup_steps"],
        "seed": job["seed"],
        "bf16": dtype_of(job) == "bfloat16",
        "use_cpu": not has_cuda,
        "gradient_checkpointing": has_cuda,  # on a processor memory is there and time is not
        "dataloader_pin_memory": has_cuda,
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "logging_steps": 1,
        "disable_tqdm": True,
        "report_to": [],
    }


def loaded(job: dict[str, Any]) -> tuple[Any, Any]:
    """The model and its tokenizer: from a folder, or from a GGUF file, whose weights are made floats again."""
    transformers, torch = importlib.import_module("transformers"), importlib.import_module("torch")
    path = Path(job["model"])
    where = str(path.parent) if path.suffix == ".gguf" else str(path)
    how: dict[str, Any] = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
    tokenizer = transformers.AutoTokenizer.from_pretrained(where, **how)
    if how:
        how["quantization_config"] = transformers.GgufConfig(dequantize=True)
    kind = {"num_labels": 1} if job["method"] == "reward" else {}
    auto = transformers.AutoModelForSequenceClassification if kind else transformers.AutoModelForCausalLM
    model = auto.from_pretrained(where, dtype=getattr(torch, dtype_of(job)), **how, **kind)
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def dtype_of(job: dict[str, Any]) -> str:
    """What to compute in; `auto` is bfloat16 where the machine multiplies it in hardware."""
    if job["dtype"] != "auto":
        return str(job["dtype"])
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    return "bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def adapters(job: dict[str, Any], model: Any) -> Any:
    """The LoRA adapters to train."""
    targets, layers = job["lora_targets"], None
    if job["first_layer"]:
        layers = list(range(job["first_layer"], model.config.num_hidden_layers))
        targets = linear_parts(model) if targets == "all-linear" else targets  # peft takes layers with names only
    return importlib.import_module("peft").LoraConfig(
        r=job["lora_rank"],
        lora_alpha=job["lora_alpha"],
        lora_dropout=job["lora_dropout"],
        target_modules=targets,
        layers_to_transform=layers,
        task_type="SEQ_CLS" if job["method"] == "reward" else "CAUSAL_LM",
    )


def linear_parts(model: Any) -> list[str]:
    """The names of the matrices in the model's layers."""
    linear = importlib.import_module("torch").nn.Linear
    named = (name for name, part in model.named_modules() if isinstance(part, linear) and ".layers." in name)
    return sorted({name.rpartition(".")[2] for name in named})


def rows_of(job: dict[str, Any]) -> Any:
    """The rows, as Arrow on disk."""
    cache = str(Path(job["out"]) / "cache")
    return importlib.import_module("datasets").load_dataset(
        "json", data_files=job["rows"], split="train", cache_dir=cache
    )


def rewarding(reward: str) -> Any:
    """The function that `FILE.py:NAME` names."""
    file, _, name = reward.rpartition(":")
    spec = importlib.util.spec_from_file_location("reward_of_the_job", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def telling(transformers: Any) -> Any:
    """Says each step as it is done."""

    class Telling(transformers.TrainerCallback):  # type: ignore[misc]  # its base is known at run time
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **rest: Any) -> None:
            del args, control, rest
            if logs and "loss" in logs:
                say(f"step {state.global_step} of {state.max_steps}, loss {logs['loss']}")

    return Telling()


def trainable(model: Any) -> int:
    """How many weights the training changes."""
    return sum(one.numel() for one in model.parameters() if one.requires_grad)


def versions() -> dict[str, str]:
    """What did the training."""
    return {name: importlib.metadata.version(name) for name in LIBRARIES}


def say(line: str) -> None:
    """Tell whoever started this."""
    sys.stdout.write(f"progress {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
