"""A folder that Hugging Face `datasets` loads by its name, with a card: pure.

In: samples of any kind. Out: lines in TRL's form with what made each row, and the card: what it is, from what, how
many.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from backtalk.datasets.formats import trl
from backtalk.datasets.rows import fact_ids
from backtalk.plugin import Sample, SampleKind


def line(sample: Sample) -> dict[str, Any]:
    """A row in TRL's form, with its weight and the ids of its facts."""
    return _SHAPES[sample.kind](sample) | {
        "backtalk_weight": round(sample.weight, 6),
        "backtalk_trace_ids": [call.trace_id for call in sample.calls],
        "backtalk_feedback_ids": fact_ids(sample.reasons, "feedback"),
        "backtalk_signal_ids": fact_ids(sample.reasons, "signal"),
    }


def card(name: str, kind: str, description: str, rows: Mapping[str, int], recipe: str) -> str:
    """The dataset's README, whose head tells `load_dataset` where the splits are."""
    files = "".join(f"  - split: {split}\n    path: data/{split}.jsonl\n" for split in rows)
    counts = "".join(f"| {split} | {count} |\n" for split, count in rows.items())
    return f"""---
pretty_name: {json.dumps(name)}
tags:
- {kind.replace("_", "-")}
- backtalk
configs:
- config_name: default
  data_files:
{files}---

# {name}

{description}

Rows of kind `{kind}`, built by Backtalk from feedback and signals. `backtalk_feedback_ids`, `backtalk_signal_ids` and
`backtalk_trace_ids` name what each row was made of; the manifest beside this folder says from which versions.

| split | rows |
| --- | --- |
{counts}
```toml
{recipe.rstrip()}
```
"""


def _case(sample: Sample) -> dict[str, Any]:
    return trl.prompt_only(sample) | {"tag": sample.tag}


_SHAPES: Final[Mapping[SampleKind, Callable[[Sample], dict[str, Any]]]] = {
    "prompt_completion": trl.sft,
    "preference": trl.preference,
    "unpaired_preference": trl.unpaired_preference,
    "prompt_only": trl.prompt_only,
    "eval_case": _case,
}
