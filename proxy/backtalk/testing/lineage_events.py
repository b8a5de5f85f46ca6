"""Records of lineage as exporters get them, one of each kind, for tests of plugins."""

import hashlib
from typing import Final

from backtalk.plugin import (
    LineageColumn,
    LineageDataset,
    LineageEvent,
    LineageFile,
    LineageName,
    LineageProposal,
    LineageRetirement,
    LineageRun,
    LineageSaid,
)

AT_NS: Final = 1_764_115_200_123_456_789
"""2025-11-26 00:00:00.123456789 UTC."""


def dataset(name: str = "pairs", *, is_first: bool = True) -> LineageDataset:
    """A dataset with everything that is known of one."""
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return LineageDataset(
        id=sha256[:16],
        name=name,
        sha256=sha256,
        kind="preference",
        uri=f"file:///sets/{name}",
        rows=12,
        code_version="0.1.0",
        is_first=is_first,
        tables={"calls": 7, "feedback": 5, "signals": 6},
        files=(
            LineageFile("rows/part-00000.parquet", "a" * 64, 12, 9_000),
            LineageFile("trl_preference/train.jsonl", "b" * 64, 11, 2_000),
        ),
        columns=(LineageColumn("row", "int64"), LineageColumn("trace_ids", "list(utf8)")),
        recipe_sha256="c" * 64,
        builders={"correction_pairs": "1.0"},
        splits={"train": 11, "test": 1},
        facts={"feedback": 9, "signal": 3},
        left_out={"no_consent": 4},
        previous_sha256=None if is_first else "d" * 64,
    )


def run(name: str = "tune-7", *, evaluates: bool = False) -> LineageRun:
    """A run with everything that is known of one."""
    return LineageRun(
        id="0123456789abcdef",
        name=name,
        purpose="evaluation" if evaluates else "training",
        datasets=(dataset(),),
        base_model="qwen-0.5b",
        trainer="trl",
        artefact_uri="s3://models/tune-7",
        artefact_sha256="e" * 64,
        config={"lr": 2e-5, "epochs": 3, "packing": True},
        metrics={"loss": 0.41, "accuracy@1": 0.9},
    )


def named(name: str = "production", *, rolled_back_to: int | None = None) -> LineageName:
    """A name that means a dataset and a route."""
    parts = {"eval_dataset": dataset().id, "route": "gold"}
    return LineageName(name, parts, (dataset(),), replaced=rolled_back_to, rolled_back_to=rolled_back_to)


def retired(*, erased: bool = True) -> LineageRetirement:
    """A dataset that is not used any more."""
    return LineageRetirement(dataset(), erased, "f" * 16 if erased else None)


def proposed(*, rejected: bool = False) -> LineageProposal:
    """A proposal that a name means what was trained."""
    runs = ("0123456789abcdef", "1123456789abcdef", "2123456789abcdef")
    figures = {"cases": 80, "gain": 0.11, "low": 0.02}
    return LineageProposal(
        "p" * 16, "production", {"run": runs[0]}, *runs, datasets=(dataset(),), figures=figures, rejected=rejected
    )


def event(said: LineageSaid | None = None, number: int = 1) -> LineageEvent:
    """A record that says so; the hash follows from the number."""
    name = hashlib.sha256(f"record {number}".encode()).hexdigest()
    return LineageEvent(number, name, AT_NS + number, said or dataset())


def one_of_each() -> tuple[LineageEvent, ...]:
    """Every kind of record, and the variants that are sent differently."""
    told: tuple[LineageSaid, ...] = (
        dataset(),
        dataset(is_first=False),
        run(),
        run("exam", evaluates=True),
        named(),
        retired(),
        named(rolled_back_to=5),
        proposed(),
        proposed(rejected=True),
    )
    return tuple(event(said, number) for number, said in enumerate(told, start=1))
