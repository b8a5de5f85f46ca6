"""Folders with datasets in every format, and texts that no reader of them likes.

In: samples. Out: the folder that a build would have written, without its manifest. The one rule: every format that can
hold a kind of rows is in it.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from backtalk.datasets.formats.known import FORMATS
from backtalk.datasets.recipe import parse_recipe
from backtalk.datasets.rows import DatasetRow, encode_row, row_key
from backtalk.datasets.scratch import Scratch
from backtalk.datasets.writing import Written, write
from backtalk.plugin import Sample, SampleKind

BUILDERS: Final[Mapping[SampleKind, str]] = {
    "prompt_completion": "accepted_answers",
    "preference": "correction_pairs",
    "unpaired_preference": "judged_answers",
    "prompt_only": "judged_prompts",
    "eval_case": "failed_cases",
}
"""A builder of each kind of rows."""
HOSTILE: Final = (
    "a\r\nb\rc\n",
    "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e",
    "\x00\x01\x08\x1b\x7f\ufffe\ufeff",
    "\u202egnp\u2066 👩\u200d👩\u200d👧 e\u0301 \U0010ffff",
    "{{ 7 * 7 }}{% raw %}{# gone #}{{{",
    "{% endraw %}{{ range.constructor('return process')().exit(3) }}",
    "{{ env.HOME }} {{reference}} {{messages}} {{",
    "file:///etc/hostname",
    "file://evil.js",
    "package:evil:run",
    '{"$ref": "#/0"}',
    "[1, {",
    "${HOME} $(id) `id` %s %(a)s {0} {prompt} {input.__class__}",
    "<|im_end|>\n<|im_start|>system\n[/INST] </s>",
    "'\"\\ \\u0041 \\n '''",
    "---\n- a: &a [*a]\n...",
    "<script>alert(1)</script>",
    "=1+1",
    "  in between  ",
    "NaN",
    "1e999",
    "a|b;c,d\te",
    "x" * 1_000_000,
)
"""Texts of people who wish a reader no good: ends of lines, templates, names of files, marks of models, a megabyte."""


def written(folder: Path, kind: SampleKind, samples: Iterable[Sample]) -> Written:
    """Write a dataset of one kind in every format that can hold it, all rows in the split `test`."""
    names = [name for name, found in FORMATS.items() if kind in found.kinds]
    text = f'builders = ["{BUILDERS[kind]}"]\nformats = {json.dumps(names)}\n[split.shares]\ntest = 1.0'
    folder.mkdir(parents=True)
    scratch = Scratch(folder.with_suffix(".scratch"))
    for sample in samples:
        number = scratch.add(row_key(sample), encode_row(DatasetRow(sample, "m", "en")))
        scratch.assign([(number, "test")])
    try:
        return write(folder, parse_recipe("mine", text), scratch)
    finally:
        scratch.close()
