"""What a training with TRL may be told.

In: a mapping as its owner wrote it. Out: a frozen `TrlSettings`. The one rule: the defaults train adapters of a small
model on a machine without an accelerator; whoever has one says so by a larger batch and a longer text.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Method = Literal["sft", "dpo", "kto", "reward", "grpo"]
Positive = Annotated[int, Field(ge=1)]

FORMATS: Final[dict[Method, str]] = {
    "sft": "trl_sft",
    "dpo": "trl_preference",
    "kto": "trl_unpaired_preference",
    "reward": "trl_reward",
    "grpo": "trl_prompt_only",
}
"""Which format of a dataset each method reads."""


class TrlSettings(BaseModel):
    """One training."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    python: str = Field(min_length=1)
    """The interpreter of an environment that has torch, TRL and peft."""
    model: str = Field(min_length=1)
    """A folder with a model of transformers, or a GGUF file."""
    method: Method = "sft"
    split: str = Field(default="train", pattern=r"^[a-z][a-z0-9_]{0,31}$")
    """Which split of the dataset is learned."""
    serves_as: str = Field(default="", max_length=200)
    """The name by which the model that comes of it is asked for; empty: the artefact's folder's."""
    gguf: bool = False
    """Also write the adapter as llama.cpp reads it, `adapter.gguf`; needs the package `gguf` there."""
    reward: str = Field(default="", pattern=r"^(.+\.py:[A-Za-z_]\w*)?$")
    """For `grpo`: `FILE.py:FUNCTION`, a reward function as TRL's `reward_funcs` takes it."""
    epochs: float = Field(default=1.0, gt=0, le=1000)
    max_steps: int = Field(default=-1, ge=-1)
    """Where to stop before the epochs are over; -1: not before."""
    batch_size: Positive = 4
    learning_rate: float = Field(default=2e-4, gt=0, le=1)
    warmup_steps: int = Field(default=0, ge=0)
    max_length: Positive = 512
    """Tokens of a row; what is longer is cut."""
    beta: float = Field(default=0.1, ge=0, le=100)
    """How near the model is kept to what it was; `dpo`, `kto` and `grpo` only."""
    num_generations: int = Field(default=4, ge=2)
    """Answers to one prompt; `grpo` only."""
    max_completion_length: Positive = 64
    """Tokens of an answer; `grpo` only."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """What to compute in; `auto`: bfloat16 where the machine multiplies it in hardware."""
    threads: int = Field(default=0, ge=0)
    """Threads of torch; 0: its own choice."""
    lora_rank: Positive = 8
    lora_alpha: float = Field(default=16.0, gt=0)
    lora_dropout: float = Field(default=0.0, ge=0, lt=1)
    lora_targets: tuple[str, ...] | Literal["all-linear"] = "all-linear"
    """Names of the layers' parts that get adapters."""
    first_layer: int = Field(default=0, ge=0)
    """Layers before this one stay as they are, which saves their share of the way back."""
    timeout_s: float = Field(default=3600.0, gt=0)

    @model_validator(mode="after")
    def _has_a_reward(self) -> Self:
        if (self.method == "grpo") != bool(self.reward):
            raise ValueError("grpo needs a reward (FILE.py:FUNCTION), and nothing else takes one")
        return self
