"""What of a record leaves: ids, hashes, counts and operators' words; no texts, no persons."""

import json
from pathlib import Path
from typing import Any, Final

import arro3.io
import msgspec

from backtalk.ledger.schema import arrow_table
from backtalk.lineage import keeping, manifests
from backtalk.lineage.leaving import MAX_WORD_CHARS, Leaving
from backtalk.lineage.log import LineageLog
from backtalk.lineage.records import ProposalMade, RunKind
from backtalk.plugin import (
    LineageDataset,
    LineageEvent,
    LineageName,
    LineageProposal,
    LineageRetirement,
    LineageRun,
)
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset

CALL = stories.a_key()
RUNS: Final[tuple[tuple[str, RunKind], ...]] = (
    ("tune", "training"),
    ("exam-new", "evaluation"),
    ("exam-old", "evaluation"),
)


def left(data_dir: Path) -> list[LineageEvent]:
    """The events of all records."""
    records = LineageLog(data_dir).records()
    leaving = Leaving(data_dir, records)
    return [event for record in records if (event := leaving.event_of(record)) is not None]


def built(data_dir: Path, name: str = "pairs", **fields: Any) -> str:
    """Register a dataset; gives its id."""
    row = a_row(f"a text of {name}", CALL, feedback=("said-1", "said-2"), signals=("s1",))
    omitted = [{"feedback_id": "f9", "reason": "no_consent"}]
    path = write_dataset(data_dir / "out", name, [row], left_out=omitted, tables={"calls": 3, "feedback": 4}, **fields)
    record = keeping.register_dataset(data_dir, path, actor="ada.lovelace")
    found: str = msgspec.to_builtins(record.body)["dataset_id"]
    return found


def test_a_dataset_leaves_as_ids_hashes_and_counts(tmp_path: Path) -> None:
    """With the versions of what it was made from, and where it stands."""
    dataset_id = built(tmp_path)
    said = left(tmp_path)[0].said
    assert isinstance(said, LineageDataset)
    assert (said.id, said.name, said.rows, said.tables) == (dataset_id, "pairs", 1, {"calls": 3, "feedback": 4})
    assert (said.facts, said.left_out) == ({"feedback": 2, "signal": 1}, {"no_consent": 1})
    assert said.uri == (tmp_path / "out").as_uri()
    assert [file.name for file in said.files] == ["pairs.jsonl"]
    assert said.is_first


def test_neither_texts_nor_persons_leave(tmp_path: Path) -> None:
    """Not the recipe's text, which may name users, and neither who said it nor why."""
    recipe = {"sha256": "a" * 64, "text": '[select]\nusers = ["user-4711"]\n', "builders": {"correction_pairs": 1}}
    dataset_id = built(tmp_path, recipe=recipe)
    run = {"system_prompt": "You are a kind assistant. " * 20, "nested": {"lr": 1e-5}}
    keeping.register_run(
        tmp_path, name="tune", purpose="training", datasets=[dataset_id], actor="ada.lovelace", config=run
    )
    target = {"eval_dataset": dataset_id, "judge_prompt": "Judge strictly. " * 30}
    keeping.set_ref(tmp_path, "production", target, actor="ada.lovelace", reason="Bob was unhappy")
    keeping.retire_dataset(tmp_path, dataset_id, actor="ada.lovelace", reason="Bob was unhappy")
    events = left(tmp_path)
    told = msgspec.json.encode(events).decode()
    assert [type(event.said) for event in events] == [LineageDataset, LineageRun, LineageName, LineageRetirement]
    for secret in ("user-4711", "ada.lovelace", "Bob", "kind assistant", "Judge strictly", "a text of", "said-1"):
        assert secret not in told
    assert isinstance(events[0].said, LineageDataset)
    assert events[0].said.builders == {"correction_pairs": "1"}
    assert isinstance(events[1].said, LineageRun)
    assert events[1].said.config["nested"] == '{"lr": 1e-05}'
    assert str(events[1].said.config["system_prompt"]).startswith("sha256:")


def test_a_word_leaves_as_it_stands_up_to_its_limit(tmp_path: Path) -> None:
    """One character more, and it is a text."""
    parts = {"route": "r" * MAX_WORD_CHARS, "prompt": "p" * (MAX_WORD_CHARS + 1)}
    keeping.set_ref(tmp_path, "production", parts, actor="ada", reason="first")
    said = left(tmp_path)[0].said
    assert isinstance(said, LineageName)
    assert (said.parts["route"], said.parts["prompt"][:7]) == (parts["route"], "sha256:")


def test_a_run_leaves_with_its_datasets_and_finite_figures(tmp_path: Path) -> None:
    """What is no number cannot be sent as one."""
    built(tmp_path)
    metrics = {"loss": 0.5, "perplexity": float("inf")}
    keeping.register_run(tmp_path, name="tune", purpose="evaluation", datasets=["pairs"], actor="ada", metrics=metrics)
    said = left(tmp_path)[1].said
    assert isinstance(said, LineageRun)
    assert (said.purpose, said.metrics, [one.name for one in said.datasets]) == ("evaluation", {"loss": 0.5}, ["pairs"])


def test_a_second_dataset_of_a_name_is_not_its_first(tmp_path: Path) -> None:
    """So that it overwrites what was called so."""
    built(tmp_path)
    built(tmp_path / "more", "other")
    path = write_dataset(tmp_path / "later", "pairs", [a_row("one more")])
    keeping.register_dataset(tmp_path, path, actor="ada")
    firsts = [event.said.is_first for event in left(tmp_path) if isinstance(event.said, LineageDataset)]
    assert firsts == [True, False]


def test_columns_are_those_of_the_parquet_file(tmp_path: Path) -> None:
    """As the file says; when it is gone there are none, and the rest leaves all the same."""
    folder = tmp_path / "set"
    (folder / "rows").mkdir(parents=True)
    parquet = folder / "rows" / "part-00000.parquet"
    arro3.io.write_parquet(arrow_table({"row": "int", "trace_ids": "texts"}, []), parquet)
    listed = [{"name": "rows/part-00000.parquet", "sha256": "0" * 64, "size_bytes": 9, "rows": 0}]
    document: dict[str, Any] = {"kind": "preference", "code_version": "1", "inputs": {}, "rows": [], "files": listed}
    (folder / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    keeping.register_dataset(tmp_path, folder, actor="ada")

    def columns() -> list[tuple[str, str]]:
        said = left(tmp_path)[0].said
        assert isinstance(said, LineageDataset)
        assert said.files[0].size_bytes == 9
        return [(one.name, one.type) for one in said.columns]

    assert columns() == [("row", "int64"), ("trace_ids", "list(utf8)")]
    parquet.write_bytes(b"no parquet")
    assert columns() == []
    parquet.unlink()
    assert columns() == []


def test_a_kept_manifest_that_is_gone_holds_nothing_back(tmp_path: Path) -> None:
    """What the record says leaves."""
    built(tmp_path)
    (record,) = LineageLog(tmp_path).records()
    manifests.kept_path(tmp_path, msgspec.to_builtins(record.body)["manifest_sha256"]).unlink()
    said = left(tmp_path)[0].said
    assert isinstance(said, LineageDataset)
    assert (said.rows, said.facts, [file.name for file in said.files]) == (1, {}, ["pairs.jsonl"])


def test_a_proposal_leaves_with_what_its_models_were_judged_on(tmp_path: Path) -> None:
    """So does a no to it, without the reason; taken, the name says which one it was."""
    built(tmp_path)
    runs = [
        msgspec.to_builtins(
            keeping.register_run(tmp_path, name=name, purpose=purpose, datasets=["pairs"], actor="ada", metrics={}).body
        )["run_id"]
        for name, purpose in RUNS
    ]
    for name in ("production", "staging"):
        figures = {"gain": 0.1, "by": {"low": 0.02}}
        made = ProposalMade(name * 2, name, {"run": runs[0]}, runs[0], runs[1], runs[2], figures)
        keeping.propose(tmp_path, made, actor="pipeline")
    keeping.reject(tmp_path, "productionproduction", actor="ada", reason="Bob was unhappy")
    said = [event.said for event in left(tmp_path)][4:]
    assert [(one.rejected, one.name) for one in said if isinstance(one, LineageProposal)] == [
        (False, "production"),
        (False, "staging"),
        (True, "production"),
    ]
    first = said[0]
    assert isinstance(first, LineageProposal)
    assert ([one.name for one in first.datasets], first.figures) == (["pairs"], {"gain": 0.1, "by": '{"low": 0.02}'})
    assert "Bob" not in msgspec.json.encode(said).decode()
