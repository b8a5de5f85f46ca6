"""The first pass of a build: prompts stream by, builders make samples, gates let rows into the scratch file.

In: a selection. Out: rows and left-out facts in the scratch file. The one rule: no more than a few hundred calls with
their texts are in memory at a time.
"""

from typing import Final

from backtalk.datasets.gates import Gatekeeper
from backtalk.datasets.progress import READING, Progress
from backtalk.datasets.prompts import Chunk, read_chunk
from backtalk.datasets.recipe import Recipe
from backtalk.datasets.scratch import Scratch
from backtalk.datasets.selection import Selection
from backtalk.plugin import Prompt, Sample, SampleBuilder


def collect(selection: Selection, recipe: Recipe, gatekeeper: Gatekeeper, scratch: Scratch, progress: Progress) -> None:
    """Make the rows of a recipe."""
    done = 0
    progress(READING, done, selection.calls)
    for rows in selection.chunks():
        _admit(read_chunk(rows, recipe.select, recipe.weights), recipe, gatekeeper, scratch)
        done += len(rows.answers)
        progress(READING, done, selection.calls)
    scratch.leave_out(selection.left_out())


def _admit(chunk: Chunk, recipe: Recipe, gatekeeper: Gatekeeper, scratch: Scratch) -> None:
    scratch.leave_out(chunk.left_out)
    for prompt_id, prompt in chunk.prompts:
        for builder in recipe.builders:
            _build(builder, prompt, prompt_id, chunk, gatekeeper, scratch)
    scratch.leave_out((one.fact, one.id, UNUSED) for one in chunk.evidence)


UNUSED: Final = "unused"
"""No builder of the recipe made anything of the fact; any other reason for it says more and comes first."""


def _build(
    builder: SampleBuilder, prompt: Prompt, prompt_id: str, chunk: Chunk, gatekeeper: Gatekeeper, scratch: Scratch
) -> None:
    for made in builder.build(prompt):
        if not isinstance(made, Sample):
            scratch.leave_out([(made.fact, made.id, made.reason)])
            continue
        reason = gatekeeper.admit(made, prompt_id, chunk.known)
        if reason is not None:
            scratch.leave_out((one.fact, one.id, reason) for one in made.reasons)
