"""The first pass of a build: prompts stream by, builders make samples, gates let rows into the scratch file.

In: queries and a reader pinned to the same versions. Out: rows and left-out facts in the scratch file. The one rule: no
more than a few hundred calls with their texts are in memory at a time.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Final

from backtalk.datasets import touched_queries
from backtalk.datasets.gates import Gatekeeper
from backtalk.datasets.prompts import Chunk, read_chunk
from backtalk.datasets.recipe import Recipe
from backtalk.datasets.scratch import Scratch
from backtalk.datasets.touched_queries import Scope
from backtalk.ledger.query import LedgerQuery
from backtalk.ledger.reader import LedgerReader
from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.plugin import Prompt, Sample, SampleBuilder

CHUNK_CALLS: Final = 500
"""So many calls are read at once: as many as one query of the ledger asks for by id."""
Group = tuple[str, list[CallKey]]


def collect(
    query: LedgerQuery,
    reader: LedgerReader,
    recipe: Recipe,
    scope: Scope,
    gatekeeper: Gatekeeper,
    scratch: Scratch,
    progress: Callable[[int, int], None],
) -> int:
    """Make the rows of a recipe; returns how many calls were looked at."""
    total = int(next(iter(query.rows(touched_queries.count(scope))))["calls"])
    done = 0
    progress(0, total)
    for groups in _chunks(query.rows(touched_queries.answers(scope))):
        chunk = read_chunk(reader, groups, recipe.select)
        _admit(chunk, recipe, gatekeeper, scratch)
        done += sum(len(keys) for _, keys in groups)
        progress(done, total)
    for row in query.rows(touched_queries.unjoined(scope)):
        reason = "target_is_session" if row["of_session"] else "target_pending"
        scratch.leave_out([("feedback", row["feedback_id"], reason)])
    return done


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


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[Group]]:
    """Whole prompts, at least `CHUNK_CALLS` calls at a time."""
    groups: list[Group] = []
    size = 0
    for prompt_id, calls in groupby(rows, key=lambda row: str(row["prompt"])):
        keys = [CallKey(TraceId(row["trace_id"]), SpanId(row["span_id"])) for row in calls]
        groups.append((prompt_id, keys))
        size += len(keys)
        if size >= CHUNK_CALLS:
            yield groups
            groups, size = [], 0
    if groups:
        yield groups
