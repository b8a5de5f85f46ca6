"""Every format that a dataset can be written in, by the name that a recipe gives.

Each format says which kinds of rows it holds. A row that it cannot hold is left out of that format alone, counted.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from backtalk.datasets.formats import bedrock, chat, evaluations, hugging_face, trl
from backtalk.plugin import Sample, SampleKind


class Format(NamedTuple):
    """One format: how a sample becomes a line, and where the lines of a split stand."""

    kinds: frozenset[SampleKind]
    line: Callable[[Sample], dict[str, Any]]
    file: str = "{split}.jsonl"


_ALL: Final[frozenset[SampleKind]] = frozenset(
    ("prompt_completion", "preference", "unpaired_preference", "prompt_only", "eval_case")
)
_SFT: Final[frozenset[SampleKind]] = frozenset(("prompt_completion",))
_PAIR: Final[frozenset[SampleKind]] = frozenset(("preference",))
_CASE: Final[frozenset[SampleKind]] = frozenset(("eval_case",))

FORMATS: Final[Mapping[str, Format]] = {
    "trl_sft": Format(_SFT, trl.sft),
    "trl_preference": Format(_PAIR, trl.preference),
    "trl_unpaired_preference": Format(frozenset(("unpaired_preference",)), trl.unpaired_preference),
    "trl_reward": Format(_PAIR, trl.reward),
    "trl_prompt_only": Format(frozenset(("prompt_only",)), trl.prompt_only),
    "openai_sft": Format(_SFT, chat.sft),
    "openai_preference": Format(_PAIR, chat.preference),
    "openai_evals": Format(_CASE, chat.evals),
    "bedrock_claude": Format(_SFT, bedrock.claude),
    "bedrock_nova": Format(_SFT, bedrock.nova),
    "bedrock_nova_preference": Format(_PAIR, bedrock.nova_preference),
    "together_sft": Format(_SFT, chat.open_sft),
    "together_preference": Format(_PAIR, chat.open_preference),
    "fireworks_sft": Format(_SFT, chat.open_sft),
    "fireworks_preference": Format(_PAIR, chat.open_preference),
    "hugging_face": Format(_ALL, hugging_face.line, "data/{split}.jsonl"),
    "inspect_ai": Format(_CASE, evaluations.inspect_ai),
    "promptfoo": Format(_CASE, evaluations.promptfoo),
    "deepeval": Format(_CASE, evaluations.deepeval),
    "ragas": Format(_CASE, evaluations.ragas),
}
"""By the name that a recipe gives."""
