"""Logs of runs that had a person's rows before them go; what nobody of us wrote stays and is named."""

import os
from pathlib import Path

from backtalk.datasets.erasing_logs import erase_logs
from backtalk.process import take_lock


def evaluation(folder: Path) -> Path:
    """What an evaluation leaves: scores, its plan, and inspect's log with the texts."""
    (folder / "inspect").mkdir(parents=True)
    for name in ("scores.json", "plan.json", "cases.jsonl"):
        (folder / name).write_text("{}")
    (folder / "inspect" / "one.eval").write_text("texts")
    return folder / "scores.json"


def pipeline_run(data_dir: Path) -> Path:
    """The folder of a pipeline's run, with a dataset's manifest."""
    run = data_dir / "pipelines" / "support" / "runs" / "20261126t101500z-0a1b2c"
    (run / "dataset").mkdir(parents=True)
    (run / "dataset" / "manifest.json").write_text("{}")
    (run / "logs" / "train").mkdir(parents=True)
    (run / "logs" / "train" / "stdout.txt").write_text("texts")
    evaluation(run / "evaluate_candidate")
    return run


def test_inspect_s_logs_of_an_evaluation_go_and_its_scores_stay(tmp_path: Path) -> None:
    """They hold the cases word for word; a repeat finds nothing more."""
    scores = evaluation(tmp_path / "small")
    assert erase_logs(tmp_path / "data", [str(scores)]) == (1, ())
    assert list((scores.parent / "inspect").iterdir()) == []
    assert scores.exists()
    assert erase_logs(tmp_path / "data", [str(scores)]) == (0, ())


def test_all_logs_of_a_pipeline_s_run_go(tmp_path: Path) -> None:
    """By a dataset in it or by an artefact; other runs keep theirs."""
    run = pipeline_run(tmp_path)
    other = run.with_name("20261126t101600z-0a1b2c") / "logs" / "x"
    other.parent.mkdir(parents=True)
    other.write_text("texts")
    assert erase_logs(tmp_path, [str(run / "dataset" / "manifest.json"), str(run / "model")]) == (2, ())
    assert [path.name for path in run.rglob("*") if path.is_file() and path.read_text() == "texts"] == []
    assert other.exists()


def test_a_folder_that_only_looks_like_one_is_not_touched(tmp_path: Path) -> None:
    """Anybody's artefact may be registered under any path."""
    scores = evaluation(tmp_path / "small")
    (scores.parent / "plan.json").unlink()
    outside = tmp_path / "data" / "pipelines" / ".." / "runs" / "a" / "b" / "c"
    assert erase_logs(tmp_path / "data", [str(scores), str(outside), "s3://bucket/scores.json", ""]) == (0, ())
    assert (scores.parent / "inspect" / "one.eval").exists()


def test_what_somebody_put_beside_the_logs_is_named(tmp_path: Path) -> None:
    """It is not ours to delete."""
    scores = evaluation(tmp_path / "small")
    notes = scores.parent / "inspect" / "notes.txt"
    notes.write_text("mine")
    assert erase_logs(tmp_path, [str(scores)]) == (1, (str(notes),))
    assert notes.exists()


def test_a_run_that_is_under_way_is_named_too(tmp_path: Path) -> None:
    """It may write more."""
    scores, run = evaluation(tmp_path / "small"), pipeline_run(tmp_path)
    for lock, path, named in (
        (scores.parent / "cases.jsonl", scores, [scores.parent / "inspect"]),
        (run.parent.parent / "lock", run / "model", [run / "evaluate_candidate" / "inspect", run / "logs"]),
    ):
        descriptor = take_lock(lock)
        assert descriptor is not None
        assert set(erase_logs(tmp_path, [str(path)]).not_reached) == set(map(str, named))
        os.close(descriptor)
        assert erase_logs(tmp_path, [str(path)]).not_reached == ()


def test_nothing_is_deleted_behind_a_link(tmp_path: Path) -> None:
    """It is named: a folder of logs, and anything else within one, may be put there by whoever trains."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "mine.json").write_text("mine")
    scores, run = evaluation(tmp_path / "small"), pipeline_run(tmp_path)
    (scores.parent / "inspect" / "one.eval").unlink()
    (scores.parent / "inspect").rmdir()
    (scores.parent / "inspect").symlink_to(precious)
    (run / "logs").rename(run / "kept")
    (run / "logs").symlink_to(precious)
    found = erase_logs(tmp_path, [str(scores), str(run / "model")])
    assert {str(scores.parent / "inspect"), str(run / "logs")} == set(found.not_reached)
    assert (precious / "mine.json").exists()
